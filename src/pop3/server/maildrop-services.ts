// The maildrop of one account, as a session sees it (RFC 1939 §4 to §6): the messages that were there at the log-in, by numbers
// that stay. Whoever keeps mailboxes implements this; a session asks one thing at a time, and waits for the answer.
//
// What is large comes as a stream and is made while the client reads it. Whoever gives one counts on `return` at any point, because
// a client may go away in the middle of it.
import type { MaybePromise } from '../../runtime/maybe-promise.ts'

export interface Maildrop {
  /** Of messages, which have the numbers from 1 to this. */
  readonly count: number
  /** Of all of them together. */
  readonly octets: number
  /** undefined: it has left since. */
  sizeOf(message: number): MaybePromise<number | undefined>
  /** 1 to 70 characters from 0x21 to 0x7E; never another message's (RFC 1939 §7). undefined: it has left since. */
  uniqueIdOf(message: number): MaybePromise<string | undefined>
  /** Ascending, in batches; those that are still there. */
  sizes(): AsyncIterable<readonly SizedMessage[]>
  uniqueIds(): AsyncIterable<readonly NamedMessage[]>
  /** Resolves when it is known that the message can be read, as far as that can be known before its end. */
  open(message: number, form: MessageForm): MaybePromise<MessageContent | Unreadable>
  /**
   * At QUIT: what was deleted goes, what was retrieved is seen. The maildrop is closed then, whatever comes of it. Rejects with
   * an error of whoever keeps it: then what was to be deleted may still be there, all of it or a part.
   */
  update(changes: MaildropChanges): Promise<'updated' | 'lock-lost'>
  /** The session is over, without an update: nothing is changed. After `update` it does nothing. */
  close(): void
}

export interface SizedMessage {
  readonly message: number
  readonly size: number
}

export interface NamedMessage {
  readonly message: number
  readonly uniqueId: string
}

/** 'ascii': header sections with UTF-8 in them are written in ASCII (RFC 6856 §2.1). */
export type MessageForm = 'utf-8' | 'ascii'

export interface MessageContent {
  /** Without the dots that are stuffed. */
  readonly size: number
  readonly octets: AsyncIterable<Uint8Array>
}

/** It has left since; it has no form in ASCII. */
export type Unreadable = 'has-left' | 'needs-utf8'

/** Numbers of messages, ascending. */
export interface MaildropChanges {
  readonly deleted: Iterable<number>
  /** Of those that stay. */
  readonly retrieved: Iterable<number>
}
