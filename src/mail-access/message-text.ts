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

  constructor(
    mailData: Pick<MailDataStore, 'read'>,
    message: Pick<MailboxMessage, 'mailDataId' | 'traceFields' | 'size'>,
  ) {
    this.#mailData = mailData
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
    return { size: Math.max(end - start, 0), content: this.#read(start, end) }
  }

  async bytes(extent: Extent): Promise<Buffer> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.#read(extent.start, extent.end)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  /** The mail data alone, in pieces. */
  pieces(): AsyncIterable<Uint8Array> {
    return this.#mailData.read(this.#mailDataId)
  }

  async *#read(start: number, end: number): AsyncGenerator<Uint8Array> {
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
