// The parts of a message that this server writes to people (RFC 2046).
import { formatAsHtml } from './format-html.ts'
import { formatAsText } from './format-text.ts'
import type { Notice } from './notice.ts'

export const crlf = '\r\n'
/** RFC 5321 §4.5.3.1.6, without the CRLF. */
export const maxLineLength = 998

export interface Entity {
  readonly fields: readonly string[]
  readonly bytes: Uint8Array
}

export interface AlternativesOptions {
  readonly language: string
  readonly title: string
  readonly boundary: string
}

/** As text and as HTML, which say the same (RFC 2046 §5.1.4). */
export function composeAlternatives(
  notice: Notice,
  { language, title, boundary }: AlternativesOptions,
): Entity {
  return {
    fields: [`Content-Type: multipart/alternative; boundary="${boundary}"`],
    bytes: Buffer.concat([
      composeText(boundary, 'text/plain', formatAsText(notice)),
      composeText(boundary, 'text/html', formatAsHtml(notice, { language, title })),
      Buffer.from(`${crlf}--${boundary}--${crlf}`),
    ]),
  }
}

export function composePart(boundary: string, fields: readonly string[], bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${crlf}--${boundary}${crlf}${fields.join(crlf)}${crlf}${crlf}`), bytes])
}

function composeText(boundary: string, type: string, text: string): Buffer {
  const encoded = encodeText(text.replaceAll('\n', crlf))
  return composePart(boundary, [`Content-Type: ${type}; charset=utf-8`, ...encoded.fields], encoded.bytes)
}

/** As it is, for whoever reads the message without a mail program, where 7 bits and the length of a line allow it. */
export function encodeText(text: string): Entity {
  const bytes = Buffer.from(text)
  const isPlain = text.split(crlf).every(line => line.length <= maxLineLength && /^[\t -~]*$/.test(line))
  if (isPlain) return { fields: [], bytes }
  return { fields: ['Content-Transfer-Encoding: base64'], bytes: Buffer.from(toBase64Lines(bytes)) }
}

export function toBase64Lines(bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  return `${base64.replaceAll(/.{76}(?=.)/g, `$&${crlf}`)}${crlf}`
}

/** RFC 2047 §2: a line with an encoded word has at most 76 characters. */
export function formatSender(name: string, address: string): string {
  const isLong = 'From: '.length + name.length + 1 + address.length > 76
  return `${name}${isLong ? crlf : ''} ${address}`
}
