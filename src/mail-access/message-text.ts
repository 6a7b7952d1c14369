// The delivered text of a message: what its delivery put before it, and the mail data. Whole, or an extent of it, as it is read.
import type { Octets } from '../imap/responses/octets.ts'
import type { MailboxMessage } from '../mailbox/message-row.ts'
import type { Extent } from '../message/structure/structure.ts'
import type { MailDataStore } from '../storage/mail-data.ts'

/** Extents count from the beginning of the mail data: what was put before it has negative places. */
export class MessageText {
  readonly #mailData: Pick<MailDataStore, 'read'>
  readonly #mailDataId: number
  readonly #above: Buffer
  readonly #end: number
  /** The mail data, where somebody has read it already. */
  readonly #read: Uint8Array | undefined

  constructor(
    mailData: Pick<MailDataStore, 'read'>,
    message: Pick<MailboxMessage, 'mailDataId' | 'traceFields' | 'size'>,
    read?: Uint8Array,
  ) {
    this.#mailData = mailData
    this.#read = read
    this.#mailDataId = message.mailDataId
    this.#above = Buffer.from(message.traceFields)
    this.#end = message.size - this.#above.length
  }

  get whole(): Extent {
    return { start: -this.#above.length, end: this.#end }
  }

  /** With the fields that its delivery put above it. */
  withTrace(extent: Extent): Extent {
    return { start: extent.start - this.#above.length, end: extent.end }
  }

  octets({ start, end }: Extent): Octets {
    const content = this.#read ? this.#cut(this.#read, start, end) : this.#stream(start, end)
    return { size: Math.max(end - start, 0), content }
  }

  /** In pieces, from the beginning each time. */
  read({ start, end }: Extent): AsyncIterable<Uint8Array> {
    return this.#stream(start, end)
  }

  async bytes({ start, end }: Extent): Promise<Buffer> {
    if (this.#read) return this.#cut(this.#read, start, end)
    const chunks: Uint8Array[] = []
    for await (const chunk of this.#stream(start, end)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  /** The mail data alone, in pieces. */
  async *pieces(): AsyncIterable<Uint8Array> {
    if (this.#read) yield this.#read
    else yield* this.#mailData.read(this.#mailDataId)
  }

  #cut(mailData: Uint8Array, start: number, end: number): Buffer {
    const above = this.#above.subarray(
      Math.max(this.#above.length + start, 0),
      Math.max(this.#above.length + Math.min(end, 0), 0),
    )
    const below = mailData.subarray(Math.max(start, 0), Math.max(end, 0))
    return Buffer.concat(start < 0 ? [above, below] : [below])
  }

  async *#stream(start: number, end: number): AsyncGenerator<Uint8Array> {
    if (end <= start) return
    if (start < 0)
      yield this.#above.subarray(
        this.#above.length + start,
        Math.min(this.#above.length + end, this.#above.length),
      )
    if (end <= 0) return
    let offset = 0
    for await (const piece of this.#mailData.read(this.#mailDataId)) {
      const from = Math.max(start - offset, 0)
      const to = Math.min(end - offset, piece.length)
      if (from < to) yield piece.subarray(from, to)
      offset += piece.length
      // Who wants all of it reads on, so that its checksum is looked at.
      if (offset >= end && end < this.#end) return
    }
  }
}
