// The content of a part without its transfer encoding (RFC 3516), as it is read: in pieces, and twice, since its size goes before it.
import type { Partial } from '../imap/grammar/commands/section.ts'
import type { Octets } from '../imap/responses/octets.ts'
import { TransferDecoder } from '../message/mime/transfer-decoder.ts'
import type { Part } from '../message/structure/structure.ts'
import type { MessageText } from './message-text.ts'

export async function decodedSize(part: Part, text: MessageText): Promise<number> {
  if (isPlain(part)) return part.body.end - part.body.start
  let size = 0
  for await (const piece of decoded(part, text)) size += piece.length
  return size
}

export async function decodePart(
  part: Part,
  text: MessageText,
  partial: Partial | undefined,
): Promise<Octets> {
  const size = await decodedSize(part, text)
  const start = Math.min(partial?.offset ?? 0, size)
  const end = Math.min(start + (partial?.length ?? size), size)
  return { size: end - start, content: cut(decoded(part, text), start, end) }
}

/** Multiparts and messages have no transfer encoding that hides anything (RFC 2045 §6.4). */
function isPlain({ kind, encoding }: Part): boolean {
  return kind !== 'leaf' || (encoding !== 'base64' && encoding !== 'quoted-printable')
}

async function* decoded(part: Part, text: MessageText): AsyncGenerator<Uint8Array> {
  const decoder = new TransferDecoder(isPlain(part) ? 'binary' : part.encoding)
  const { content } = text.octets(part.body)
  if (content instanceof Uint8Array) yield decoder.take(content)
  else for await (const piece of content) yield decoder.take(piece)
  yield decoder.finish()
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
