// The delivered text of a message: what its delivery put before it, and the mail data. Whole, or an extent of it, as it is read.
import type { Octets } from '../imap/responses/octets.ts'
import type { MailboxMessage } from '../mailbox/message-row.ts'
import type { Extent } from '../message/structure/structure.ts'
import type { MailDataStore } from '../storage/mail-data.ts'

type Change = (bytes: Uint8Array) => Uint8Array

const asItIs: Change = bytes => bytes

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

  octets(extent: Extent): Octets {
    return this.#octets(extent, asItIs)
  }

  /** For a literal, where NUL cannot stand (RFC 9051 §4.3): 0x80 in its place, so that everything stays where it is. */
  withoutNul(extent: Extent): Octets {
    return this.#octets(extent, replaceNul)
  }

  #octets({ start, end }: Extent, change: Change): Octets {
    const content = this.#read
      ? change(this.#cut(this.#read, start, end))
      : this.#stream({ start, end }, change)
    return { size: Math.max(end - start, 0), content }
  }

  async bytes(extent: Extent): Promise<Buffer> {
    if (this.#read) return this.#cut(this.#read, extent.start, extent.end)
    const chunks: Uint8Array[] = []
    for await (const chunk of this.read(extent)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  /** In pieces, from the beginning each time. */
  async *read(extent: Extent): AsyncGenerator<Uint8Array> {
    if (this.#read) yield this.#cut(this.#read, extent.start, extent.end)
    else yield* this.#stream(extent, asItIs)
  }

  /** The mail data alone, in pieces. */
  async *pieces(): AsyncIterable<Uint8Array> {
    if (this.#read) yield this.#read
    else yield* this.#mailData.read(this.#mailDataId)
  }

  #cut(mailData: Uint8Array, start: number, end: number): Buffer {
    const below = Buffer.from(mailData.buffer, mailData.byteOffset, mailData.length).subarray(
      Math.max(start, 0),
      Math.max(end, 0),
    )
    if (start >= 0) return below
    const above = this.#above.subarray(
      Math.max(this.#above.length + start, 0),
      Math.max(this.#above.length + Math.min(end, 0), 0),
    )
    return Buffer.concat([above, below])
  }

  async *#stream({ start, end }: Extent, change: Change): AsyncGenerator<Uint8Array> {
    if (end <= start) return
    if (start < 0)
      yield this.#above.subarray(
        this.#above.length + start,
        Math.min(this.#above.length + end, this.#above.length),
      )
    if (end <= 0) return
    // Who wants the end of it reads all of it, so that its checksum is looked at. Else the pieces of a large message, fetched one by
    // one, would cost its beginning each time.
    let offset = end < this.#end ? Math.max(start, 0) : 0
    for await (const piece of this.#mailData.read(this.#mailDataId, offset)) {
      const from = Math.max(start - offset, 0)
      const to = Math.min(end - offset, piece.length)
      if (from < to) yield change(piece.subarray(from, to))
      offset += piece.length
      if (offset >= end && end < this.#end) return
    }
  }
}

/** The same bytes where there is no NUL in them. */
export function replaceNul(bytes: Uint8Array): Uint8Array {
  const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return found.includes(0) ? bytes.map(byte => (byte === 0 ? 0x80 : byte)) : bytes
}
