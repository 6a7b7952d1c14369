// The content of a part without its transfer encoding (RFC 3516), as it is read: in pieces, and twice, since its size goes before it.
import type { Partial } from '../imap/grammar/section.ts'
import type { Octets } from '../imap/responses/octets.ts'
import { parseHeaderFields } from '../message/header-section.ts'
import { TransferDecoder } from '../message/mime/transfer-decoder.ts'
import type { Extent, Part } from '../message/structure/structure.ts'
import { BinaryWatch } from './binary-watch.ts'
import type { MessageText } from './message-text.ts'

/** What may be decoded: a part, or the whole message with the fields that its delivery put above it. */
export interface Decodable {
  readonly part: Part
  readonly extent: Extent
}

/** Where it is larger than `enough`, that or more. */
export async function decodedSize(
  decodable: Decodable,
  text: MessageText,
  enough = Number.POSITIVE_INFINITY,
): Promise<number> {
  const { extent } = decodable
  const spans = spansOf(decodable)
  if (spans.every(({ kind }) => kind === 'as-it-is')) return extent.end - extent.start
  let size = 0
  for await (const piece of decoded(spans, extent, text)) {
    size += piece.length
    if (size >= enough) break
  }
  return size
}

export async function decodePart(
  decodable: Decodable,
  text: MessageText,
  partial: Partial | undefined,
): Promise<Octets> {
  const size = await decodedSize(decodable, text, partial && partial.offset + partial.length)
  const start = Math.min(partial?.offset ?? 0, size)
  const end = Math.min(start + (partial?.length ?? size), size)
  return { size: end - start, content: cut(decoded(spansOf(decodable), decodable.extent, text), start, end) }
}

/** RFC 5524 §3.2: the part as it is without its encoding. Its lines count in that alone (RFC 9051 §7.5.2), so there are none. */
export async function describeDecoded(part: Part, text: MessageText): Promise<Part> {
  if (part.kind !== 'leaf' || !isEncoded(part.encoding)) return part
  const watch = new BinaryWatch()
  let size = 0
  let isEightBit = false
  for await (const piece of decoded(spansOf({ part, extent: part.body }), part.body, text)) {
    watch.take(piece)
    size += piece.length
    isEightBit ||= piece.some(byte => byte > 127)
  }
  const encoding = watch.isBinary() ? 'binary' : isEightBit ? '8bit' : '7bit'
  return { ...part, encoding, body: { start: 0, end: size }, lines: 0 }
}

const identities: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary'])

/** Its octets can be had without the encoding, which may be none (RFC 3516 §4.3). */
export function isDecodable({ encoding, kind }: Part): boolean {
  // RFC 2045 §6.4: multiparts and messages have none, whatever they say.
  return kind !== 'leaf' || isEncoded(encoding) || identities.has(encoding)
}

function isEncoded(encoding: string): boolean {
  return encoding === 'base64' || encoding === 'quoted-printable'
}

/** A piece of a message up to `end`, and what is done to it. */
type Span = { readonly end: number } & (
  | { readonly kind: 'as-it-is' }
  /** The header section of a part that is decoded, which says so. */
  | { readonly kind: 'header' }
  | { readonly kind: 'content'; readonly encoding: string }
)

function spansOf({ part, extent }: Decodable): readonly Span[] {
  const spans: Span[] = []
  if (part.kind === 'leaf' && part.body.start === extent.start) addContent(spans, part)
  else addInside(spans, part, extent)
  spans.push({ kind: 'as-it-is', end: extent.end })
  return spans
}

/** What is encoded in it, and stands behind the beginning of what is wanted. */
function addInside(spans: Span[], part: Part, extent: Extent): void {
  if (part.kind === 'multipart') for (const each of part.parts) addInside(spans, each, extent)
  else if (part.kind === 'message') addInside(spans, part.message, extent)
  else if (isEncoded(part.encoding)) {
    // What was put above a message stands before its header section.
    spans.push({ kind: 'as-it-is', end: part.header.start })
    spans.push({ kind: 'header', end: part.header.end })
    addContent(spans, part)
  }
}

function addContent(spans: Span[], { encoding, body }: Part): void {
  if (isEncoded(encoding)) spans.push({ kind: 'content', end: body.end, encoding })
}

interface SpanReader {
  take(bytes: Buffer): Uint8Array
  finish(): Uint8Array
}

const nothing = Buffer.alloc(0)

function readerOf(span: Span): SpanReader {
  switch (span.kind) {
    case 'as-it-is':
      return { take: bytes => bytes, finish: () => nothing }
    case 'content': {
      const decoder = new TransferDecoder(span.encoding)
      return { take: bytes => decoder.take(bytes), finish: () => decoder.finish() }
    }
    case 'header': {
      const pieces: Buffer[] = []
      return {
        take(bytes) {
          pieces.push(Buffer.from(bytes))
          return nothing
        },
        finish: () => tellDecoded(Buffer.concat(pieces)),
      }
    }
    default:
      return span satisfies never
  }
}

const binaryEncoding = Buffer.from('Content-Transfer-Encoding: binary\r\n')

/** Or its reader would decode again what is decoded. */
function tellDecoded(header: Buffer): Buffer {
  const pieces: Buffer[] = []
  let position = 0
  for (const { name, start, end } of parseHeaderFields(header)) {
    if (name.toLowerCase() !== 'content-transfer-encoding') continue
    pieces.push(header.subarray(position, start))
    if (position === 0) pieces.push(binaryEncoding)
    position = end
  }
  return Buffer.concat([...pieces, header.subarray(position)])
}

/** One pass, whatever the number of parts. */
async function* decoded(
  spans: readonly Span[],
  { start, end }: Extent,
  text: MessageText,
): AsyncGenerator<Uint8Array> {
  let position = start
  const rest = spans.filter(span => span.end > start)
  let span = rest.shift()
  let reader = span && readerOf(span)
  for await (const piece of text.read({ start, end })) {
    let bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
    while (span && reader && bytes.length > 0) {
      const here = bytes.subarray(0, span.end - position)
      const made = reader.take(here)
      if (made.length > 0) yield made
      bytes = bytes.subarray(here.length)
      position += here.length
      while (span && position >= span.end) {
        const last: Uint8Array | undefined = reader?.finish()
        if (last && last.length > 0) yield last
        span = rest.shift()
        reader = span && readerOf(span)
      }
    }
  }
}

async function* cut(
  pieces: AsyncIterable<Uint8Array>,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  let offset = 0
  for await (const piece of pieces) {
    const [from, to] = [Math.max(start - offset, 0), Math.min(end - offset, piece.length)]
    if (from < to) yield piece.subarray(from, to)
    offset += piece.length
    if (offset >= end) return
  }
}
