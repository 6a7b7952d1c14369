// The parts of a message that somebody sent, as far as a report has them (RFC 2045, 2046): bounded, and never an error.
import {
  findFieldValue,
  type HeaderField,
  HeaderSplitter,
  parseHeaderFields,
} from '../message/header-section.ts'

export interface MessagePart {
  readonly fields: readonly HeaderField[]
  /** 'message/delivery-status', in lower case. */
  readonly type: string
  /** Decoded. */
  readonly body: Buffer
}

const maxParts = 30
const maxDepth = 4
const maxHeaderBytes = 256 * 1024

/** Those that have no parts, in their order. A message in a part is one of them. */
export function splitMessage(message: Uint8Array): MessagePart[] {
  const parts: MessagePart[] = []
  collect(Buffer.from(message.buffer, message.byteOffset, message.byteLength), 0, parts)
  return parts
}

function collect(entity: Buffer, depth: number, parts: MessagePart[]): void {
  if (parts.length >= maxParts) return
  const { section, rest } = splitEntity(entity)
  const fields = parseHeaderFields(section)
  const { type, boundary } = parseContentType(findFieldValue(fields, 'content-type') ?? '')
  if (type.startsWith('multipart/') && boundary !== undefined && depth < maxDepth) {
    for (const part of splitAt(rest, boundary)) collect(part, depth + 1, parts)
    return
  }
  const encoding = (findFieldValue(fields, 'content-transfer-encoding') ?? '').trim().toLowerCase()
  parts.push({ fields, type, body: decode(rest, encoding) })
}

export function splitEntity(entity: Buffer): { readonly section: Buffer; readonly rest: Buffer } {
  // A part without fields begins with its empty line.
  if (entity[0] === 0x0d && entity[1] === 0x0a) return { section: Buffer.alloc(0), rest: entity.subarray(2) }
  const splitter = new HeaderSplitter(maxHeaderBytes)
  const taken = splitter.take(entity)
  const split = taken === 'incomplete' ? splitter.finish() : taken
  if (split === 'too-long') return { section: Buffer.alloc(0), rest: entity }
  const rest = Buffer.from(split.rest.buffer, split.rest.byteOffset, split.rest.byteLength)
  return {
    section: Buffer.from(split.section.buffer, split.section.byteOffset, split.section.byteLength),
    rest: rest[0] === 0x0d && rest[1] === 0x0a ? rest.subarray(2) : rest,
  }
}

/** RFC 2045 §5.1. Comments are not looked for: no program writes them there. */
function parseContentType(value: string): {
  readonly type: string
  readonly boundary: string | undefined
} {
  const [type = '', ...parameters] = value.split(';')
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=')
    if (parameter.slice(0, equals).trim().toLowerCase() !== 'boundary') continue
    const text = parameter.slice(equals + 1).trim()
    const boundary = text.startsWith('"') ? text.slice(1, text.indexOf('"', 1)) : text.split(/\s/)[0]
    return { type: type.trim().toLowerCase(), boundary: boundary === '' ? undefined : boundary }
  }
  return { type: type.trim().toLowerCase(), boundary: undefined }
}

/** RFC 2046 §5.1.1: the line end before a boundary belongs to it. */
function splitAt(body: Buffer, boundary: string): Buffer[] {
  const delimiter = Buffer.from(`--${boundary}`)
  const parts: Buffer[] = []
  let start: number | undefined
  for (let from = 0; parts.length < maxParts; ) {
    const found = body.indexOf(delimiter, from)
    if (found < 0) break
    from = found + delimiter.length
    if (found > 0 && body[found - 1] !== 0x0a) continue
    if (start !== undefined) parts.push(body.subarray(start, Math.max(start, found - 2)))
    const isLast = body[from] === 0x2d && body[from + 1] === 0x2d
    if (isLast) return parts
    const lineEnd = body.indexOf('\n', from)
    if (lineEnd < 0) return parts
    start = lineEnd + 1
    from = lineEnd + 1
  }
  // Cut off: what has come of the last part.
  if (start !== undefined && parts.length < maxParts) parts.push(body.subarray(start))
  return parts
}

function decode(body: Buffer, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(body.toString('latin1'), 'base64')
  return encoding === 'quoted-printable' ? decodeQuotedPrintable(body) : body
}

/** RFC 2045 §6.7. What is no escape stays as it is. */
function decodeQuotedPrintable(body: Buffer): Buffer {
  const text = body
    .toString('latin1')
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(text, 'latin1')
}
