// Where in a message the section stands that FETCH names (RFC 9051 §6.4.5, §6.4.5.1).
import type { Section } from '../imap/grammar/section.ts'
import { parseHeaderFields } from '../message/header-section.ts'
import type { Extent, MessageStructure, Part } from '../message/structure/structure.ts'
import type { Decodable } from './decode-part.ts'
import type { MessageText } from './message-text.ts'

/** An extent; or bytes that stand nowhere in a piece: some fields of a header section. undefined: there is no such part. */
export async function findSection(
  { part: path, text }: Section,
  structure: MessageStructure,
  message: MessageText,
): Promise<Extent | Buffer | undefined> {
  const { root } = structure
  if (path.length === 0) {
    const header = message.withTrace(root.header)
    switch (text.kind) {
      case 'all':
        return message.whole
      case 'TEXT':
        return root.body
      case 'HEADER':
        return header
      case 'HEADER.FIELDS':
      case 'HEADER.FIELDS.NOT':
        return selectFields(await message.bytes(header), text)
      // MIME has no meaning without a part: the grammar refuses it.
      case 'MIME':
        return undefined
      default:
        return text satisfies never
    }
  }
  const part = findPart(root, path)
  if (!part) return undefined
  if (text.kind === 'all') return part.body
  if (text.kind === 'MIME') return part.header
  if (part.kind !== 'message') return undefined
  const { body, header } = part.message
  if ('fields' in text) return selectFields(await message.bytes(header), text)
  return text.kind === 'TEXT' ? body : header
}

/** RFC 9051 §6.4.5.1: the parts of a multipart count from 1; a message that is none has one part, its body. */
export function findPart(root: Part, path: readonly number[]): Part | undefined {
  let part: Part | undefined = root
  for (const [depth, number] of path.entries()) {
    // Within message/rfc822 the numbers are those of the message that it contains.
    const around: Part = part.kind === 'message' && depth > 0 ? part.message : part
    if (around.kind === 'multipart') part = around.parts[number - 1]
    else if (number === 1 && (depth === 0 || part.kind === 'message')) part = around
    else return undefined
    if (!part) return undefined
  }
  return part
}

/** RFC 3516 §4.2: without a part it is the whole message, header section and all. */
export function findDecodable(
  root: Part,
  path: readonly number[],
  message: MessageText,
): Decodable | undefined {
  if (path.length === 0) return { part: root, extent: message.whole }
  const part = findPart(root, path)
  return part && { part, extent: part.body }
}

function selectFields(
  header: Buffer,
  { kind, fields }: Extract<Section['text'], { kind: 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' }>,
): Buffer {
  const wanted = new Set(fields.map(name => name.toLowerCase()))
  const chosen = parseHeaderFields(header)
    .filter(({ name }) => wanted.has(name.toLowerCase()) === (kind === 'HEADER.FIELDS'))
    .map(({ start, end }) => header.subarray(start, end))
  return Buffer.concat([...chosen, Buffer.from('\r\n')])
}
