// INBOX as a maildrop (RFC 1939): the messages that were there at the log-in, by numbers that stay, for one session at a time. IMAP
// and the delivery of mail go on beside it: what they take away has left, and what they bring comes with the next log-in.

import { updateMaildrop } from '../mailbox/maildrop-locks.ts'
import { MessageNumbers } from '../mailbox/message-numbers.ts'
import { type MailboxState, readMailboxState, readMessages, readSizes } from '../mailbox/read-mailbox.ts'
import { rangesOf } from '../mailbox/uid-ranges.ts'
import type {
  Maildrop,
  MaildropChanges,
  MessageContent,
  MessageForm,
  NamedMessage,
  SizedMessage,
  Unreadable,
} from '../pop3/server/maildrop-services.ts'
import { Fault } from '../runtime/fault.ts'
import { HeaderWatch, toAsciiForm } from './ascii-form.ts'
import type { HeldMaildrop, MaildropLeases } from './maildrop-leases.ts'
import { MessageText } from './message-text.ts'
import type { AccessParts } from './parts.ts'
import { inPieces } from './selection.ts'

export interface MaildropParts extends Pick<AccessParts, 'storage' | 'mailData' | 'clock'> {
  readonly leases: MaildropLeases
}

/** Messages of a batch. */
const messagesOfBatch = 1000
/** Messages of one write: others wait for its end. */
const messagesOfWrite = 2000

/** For one session; 'in-use': another one has it. */
export async function openMaildrop(parts: MaildropParts, accountId: number): Promise<Maildrop | 'in-use'> {
  const held = await parts.leases.take(accountId)
  if (held === 'in-use') return held
  try {
    const state = await parts.storage.run(readMailboxState, held.mailbox)
    if (!state)
      throw new Fault('MAILDROP_GONE', `Account ${accountId} was removed while somebody logged in to it.`)
    return new OpenMaildrop(parts, held, state)
  } catch (cause) {
    void parts.leases.release(held.lock)
    throw cause
  }
}

class OpenMaildrop implements Maildrop {
  readonly #parts: MaildropParts
  readonly #held: HeldMaildrop
  readonly #numbers: MessageNumbers
  readonly count: number
  readonly octets: number
  #isOver = false

  constructor(parts: MaildropParts, held: HeldMaildrop, { mailbox, blocks }: MailboxState) {
    this.#parts = parts
    this.#held = held
    this.#numbers = new MessageNumbers(blocks)
    this.count = this.#numbers.count
    this.octets = mailbox.bytes
  }

  async sizeOf(message: number): Promise<number | undefined> {
    const uid = this.#uidOf(message)
    const { storage } = this.#parts
    const [row] = await storage.run(readSizes, { ...this.#held.mailbox, range: one(uid), limit: 1 })
    return row?.size
  }

  async uniqueIdOf(message: number): Promise<string | undefined> {
    const isThere = (await this.sizeOf(message)) !== undefined
    return isThere ? this.#uniqueId(this.#uidOf(message)) : undefined
  }

  async *sizes(): AsyncGenerator<readonly SizedMessage[]> {
    const { storage } = this.#parts
    for (let first = 1; first <= this.count; first += messagesOfBatch) {
      const last = Math.min(first + messagesOfBatch - 1, this.count)
      const range = { first: this.#uidOf(first), last: this.#uidOf(last) }
      // What has come since has a greater UID than all of these.
      const rows = await storage.run(readSizes, { ...this.#held.mailbox, range, limit: messagesOfBatch })
      yield rows.flatMap(({ uid, size }) => {
        const message = this.#numbers.numberOf(uid)
        return message === undefined ? [] : [{ message, size }]
      })
    }
  }

  async *uniqueIds(): AsyncGenerator<readonly NamedMessage[]> {
    const state = await this.#parts.storage.run(readMailboxState, this.#held.mailbox)
    const present = new MessageNumbers(state?.blocks ?? [])
    const uids = this.#numbers.uidsIn([{ first: 1, last: this.#numbers.lastUid }])
    let message = 0
    for (const piece of inPieces(uids, messagesOfBatch)) {
      const batch: NamedMessage[] = []
      for (const uid of piece) {
        message++
        if (present.has(uid)) batch.push({ message, uniqueId: this.#uniqueId(uid) })
      }
      yield batch
    }
  }

  async open(message: number, form: MessageForm): Promise<MessageContent | Unreadable> {
    const { storage, mailData } = this.#parts
    const range = one(this.#uidOf(message))
    const [row] = await storage.run(readMessages, { ...this.#held.mailbox, range, limit: 1 })
    if (!row) return 'has-left'
    const text = new MessageText(mailData, row)
    const read = (): AsyncIterable<Uint8Array> => text.read(text.whole)
    const { beginning, octets } = await readAhead(read(), Buffer.byteLength(row.traceFields))
    if (form === 'utf-8' || beginning.isAscii) return { size: row.size, octets }
    await octets.return?.()
    return (await toAsciiForm(read)) ?? 'needs-utf8'
  }

  async update(changes: MaildropChanges): Promise<'updated' | 'lock-lost'> {
    const { leases } = this.#parts
    const { lock } = this.#held
    this.#isOver = true
    try {
      const outcome = await this.#write(changes)
      if (outcome !== 'nothing') {
        // With the last write it was given back, or it was somebody else's before.
        leases.forget(lock)
        return outcome
      }
    } catch (cause) {
      await leases.release(lock)
      throw cause
    }
    // The next log-in may be on its way, and finds it free.
    await leases.release(lock)
    return 'updated'
  }

  async #write({ deleted, retrieved }: MaildropChanges): Promise<'updated' | 'lock-lost' | 'nothing'> {
    const { storage, clock } = this.#parts
    const removals = [...this.#piecesOf(deleted)]
    const marks = [...this.#piecesOf(retrieved)]
    const writes = Math.max(removals.length, marks.length)
    for (let at = 0; at < writes; at++) {
      const outcome = await storage.run(updateMaildrop, {
        ...this.#held,
        deleted: rangesOf(removals[at] ?? []),
        seen: rangesOf(marks[at] ?? []),
        afterwards: at === writes - 1 ? 'unlock' : 'go-on',
        now: clock.now(),
      })
      if (outcome === 'lock-lost') return outcome
    }
    return writes === 0 ? 'nothing' : 'updated'
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    void this.#parts.leases.release(this.#held.lock)
  }

  /** UIDs. */
  *#piecesOf(messages: Iterable<number>): Generator<number[]> {
    for (const piece of inPieces(messages, messagesOfWrite)) yield piece.map(message => this.#uidOf(message))
  }

  #uidOf(message: number): number {
    const uid = this.#numbers.uidAt(message)
    if (uid === undefined) throw new Fault('MAILDROP_NUMBER', `There is no message ${message} in a maildrop.`)
    return uid
  }

  /** RFC 9051 §2.3.1.1: the two together are never another message's. */
  #uniqueId(uid: number): string {
    return `${this.#held.mailbox.uidValidity}.${uid}`
  }
}

function one(uid: number): { readonly first: number; readonly last: number } {
  return { first: uid, last: uid }
}

/** Up to some of the mail data, so that what cannot be read is known before anything of it is said; it is read on from there. */
async function readAhead(
  octets: AsyncIterable<Uint8Array>,
  traceOctets: number,
): Promise<{ readonly beginning: HeaderWatch; readonly octets: AsyncIterableIterator<Uint8Array> }> {
  const beginning = new HeaderWatch()
  const ahead: Uint8Array[] = []
  const pieces = octets[Symbol.asyncIterator]()
  let size = 0
  for (let isEnough = false; !isEnough || size <= traceOctets; ) {
    const { done, value } = await pieces.next()
    if (done) break
    ahead.push(value)
    size += value.length
    isEnough = beginning.take(value)
  }
  return { beginning, octets: goOn(ahead, pieces) }
}

/** An iterator and no generator: one that was not begun yet would not give back what is open. */
function goOn(
  ahead: readonly Uint8Array[],
  pieces: AsyncIterator<Uint8Array>,
): AsyncIterableIterator<Uint8Array> {
  const left = ahead.values()
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      const { done, value } = left.next()
      return done ? await pieces.next() : { done: false, value }
    },
    async return() {
      await pieces.return?.()
      return { done: true, value: undefined }
    },
  }
}
