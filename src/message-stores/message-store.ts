// Where mail is kept by other programs, as it is read from: folders, and their messages page by page.
import type { SpecialUse } from '../mailbox/mailbox-row.ts'
import { Fault } from '../runtime/fault.ts'

export interface MessageStore {
  /** What has been brought from it is remembered under this name. */
  readonly name: string
  folders(): Promise<readonly StoredFolder[]>
  /** Levels of names; undefined: it does not say. */
  subscriptions(): Promise<readonly (readonly string[])[] | undefined>
  /** What of it is no mail that can be read here: a line for each, for a person. */
  readonly remarks: readonly string[]
  close(): Promise<void>
}

export interface StoredFolder {
  /** As the store itself writes it. */
  readonly name: string
  /** ['INBOX'], ['Work', '2025']: text in Unicode. */
  readonly levels: readonly string[]
  /** As the store says it itself, and not as the name sounds. */
  readonly specialUse?: SpecialUse | undefined
  /** With another one the same keys are other messages. */
  readonly generation: string
  /** undefined: nobody knows before they have been read. */
  readonly messages: number | undefined
  /** Keys of its messages, oldest first. A key is a message's for ever, and no other's. */
  pages(): AsyncIterable<readonly string[]>
  /** Those of the present page that are asked for, in its order; one that has gone meanwhile does not come. */
  read(keys: readonly string[]): AsyncIterable<StoredMessage>
}

export interface StoredMessage {
  readonly key: string
  /** Where a person finds it: 'cur/1700000000.M1P2.host:2,S'. */
  readonly place: string
  /** Bits as in message-state.ts. */
  readonly flags: number
  readonly keywords: readonly string[]
  /** undefined: the store does not know. */
  readonly receivedAt: number | undefined
  /** Its octets, to be read before the next message is asked for. Throws an UnreadableMessage when this one cannot be had. */
  content(): AsyncIterable<Uint8Array>
}

/** This message cannot be had; the others can. */
export class UnreadableMessage extends Fault {
  override readonly name = 'UnreadableMessage'

  /** Goes on after the message's place: 'its file may not be read'. */
  constructor(what: string, options?: ErrorOptions) {
    super('MESSAGE_STORE_UNREADABLE', what, options)
  }
}
