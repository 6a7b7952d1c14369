// A header section in ASCII and in lines that everybody takes: for servers without SMTPUTF8 or 8BITMIME (RFC 2047, RFC 2231),
// and where a line is longer than 998 characters (RFC 5322 §2.1.1).
import { formatAddress } from '../../address/format-address.ts'
import { parseAddress } from '../../address/parse-address.ts'
import { encodeUtf8Address } from '../../address/utf8-address.ts'
import { isAscii } from '../../runtime/text.ts'
import { decodeEncodedWords, encodeWords } from '../encoded-words.ts'
import { type HeaderField, parseHeaderFields } from '../header-section.ts'
import { splitParameters } from './content-fields.ts'

/** 'address': a field has an address that only SMTPUTF8 can carry. */
export type HeaderProblem = 'address'

const maxLine = 998

export function hasEightBit(bytes: Uint8Array): boolean {
  return bytes.some(byte => byte >= 0x80)
}

export function hasLongLine(section: Uint8Array): boolean {
  for (let start = 0; start < section.length; ) {
    const newline = section.indexOf(0x0a, start)
    const end = newline < 0 ? section.length : newline + 1
    if (end - start > maxLine + 2) return true
    start = end
  }
  return false
}

/** What needs no change stays, byte for byte. 'keep': only long lines are folded, as far as they are UTF-8. */
export function toAsciiHeader(
  section: Buffer,
  eightBit: 'encode' | 'keep' = 'encode',
): Buffer | HeaderProblem {
  const pieces: Uint8Array[] = []
  let from = 0
  const copyGap = (end: number): void => {
    // Lines that are no fields mean nothing to anybody.
    if (end > from)
      pieces.push(eightBit === 'encode' ? maskGap(section.subarray(from, end)) : section.subarray(from, end))
  }
  for (const field of parseHeaderFields(section)) {
    copyGap(field.start)
    from = field.end
    const raw = section.subarray(field.start, field.end)
    if (eightBit === 'encode' && hasEightBit(raw)) {
      const value = encodeValue(field, raw)
      if (value === undefined) return 'address'
      pieces.push(Buffer.from(foldField(field.name, value.trim())))
    } else if (hasLongLine(raw) && isUtf8(raw)) {
      const octets = Buffer.from(field.value).toString('latin1')
      pieces.push(Buffer.from(foldField(field.name, octets), 'latin1'))
    } else pieces.push(raw)
  }
  copyGap(section.length)
  return Buffer.concat(pieces)
}

function maskGap(bytes: Uint8Array): Uint8Array {
  return bytes.map(byte => (byte >= 0x80 ? 0x3f : byte))
}

const addressFields: ReadonlySet<string> = new Set([
  'from', 'sender', 'reply-to', 'to', 'cc', 'bcc', 'resent-from', 'resent-sender', 'resent-reply-to', 'resent-to',
  'resent-cc', 'resent-bcc', 'disposition-notification-to', 'mail-followup-to', 'mail-reply-to', 'errors-to',
]) // biome-ignore format: a list of names
const parameterFields: ReadonlySet<string> = new Set(['content-type', 'content-disposition'])
/** What only machines read, about the way so far: no loss when a character is. */
const traceFields: ReadonlySet<string> = new Set([
  'received', 'return-path', 'authentication-results', 'arc-authentication-results', 'arc-seal', 'arc-message-signature',
  'dkim-signature', 'received-spf', 'date', 'mime-version', 'content-transfer-encoding',
]) // biome-ignore format: a list of names
const identifierFields: ReadonlySet<string> = new Set([
  'message-id',
  'in-reply-to',
  'references',
  'resent-message-id',
  'content-id',
])

/** undefined: it has an address that cannot be written in ASCII. */
function encodeValue({ name, value }: HeaderField, raw: Buffer): string | undefined {
  const lower = name.toLowerCase()
  if (addressFields.has(lower)) return encodeAddresses(value)
  if (parameterFields.has(lower)) return encodeParameters(value)
  if (lower === 'delivered-to') return encodeUtf8Address(value)
  // The address in it may be of no other use than to tell the recipient how it came.
  if (lower === 'received')
    return mask(value.replace(/\s*\bfor\s+<[^>]*>/i, clause => (isAscii(clause) ? clause : '')))
  if (traceFields.has(lower)) return mask(value)
  // The same for each message that names it, so that threads hold.
  if (identifierFields.has(lower)) return value.replaceAll(/[^\0-\x7f]/gu, encodeURIComponent)
  return isUtf8(raw) ? encodeWords(decodeEncodedWords(value)) : encodeUnknown(raw)
}

function mask(value: string): string {
  return value.replaceAll(/[^\0-\x7f]/gu, '?')
}

function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    // Some older charset: nobody has said which.
    return false
  }
}

/** RFC 1428 §3: text in a charset that nobody knows says so. */
function encodeUnknown(raw: Buffer): string {
  const text = raw
    .subarray(raw.indexOf(0x3a) + 1)
    .toString('latin1')
    .replaceAll(/\r?\n/g, '')
    .trim()
  const words: string[] = []
  for (let start = 0; start < text.length; start += 30)
    words.push(
      `=?unknown-8bit?B?${Buffer.from(text.slice(start, start + 30), 'latin1').toString('base64')}?=`,
    )
  return words.join(' ')
}

type Token = { readonly kind: 'text' | 'quoted' | 'comment'; readonly text: string }

/** RFC 5322 §3.4, RFC 2047 §5: names as encoded words, domains as A-labels. */
function encodeAddresses(value: string): string | undefined {
  let out = ''
  let run: Token[] = []
  let position = 0
  while (position < value.length) {
    const character = value[position] ?? ''
    if (character === '"' || character === '(') {
      const end = endOfQuoted(value, position)
      run.push({ kind: character === '"' ? 'quoted' : 'comment', text: value.slice(position, end) })
      position = end
    } else if (character === '<') {
      const close = value.indexOf('>', position)
      const end = close < 0 ? value.length : close
      const address = encodeMailbox(value.slice(position + 1, end))
      if (address === undefined) return undefined
      out += `${encodePhrase(run)}<${address}>`
      run = []
      position = end + 1
    } else if (character === ',' || character === ';') {
      const address = encodeBare(run)
      if (address === undefined) return undefined
      out += address + character
      run = []
      position++
    } else if (character === ':') {
      out += `${encodePhrase(run).trimEnd()}:`
      run = []
      position++
    } else {
      const end = endOfText(value, position)
      run.push({ kind: 'text', text: value.slice(position, end) })
      position = end
    }
  }
  const last = encodeBare(run)
  return last === undefined ? undefined : out + last
}

function endOfText(value: string, start: number): number {
  const end = value.slice(start).search(/["(<,;:]/)
  return end < 0 ? value.length : start + end
}

function endOfQuoted(value: string, start: number): number {
  const closing = value[start] === '"' ? '"' : ')'
  let depth = 0
  for (let index = start; index < value.length; index++) {
    const character = value[index]
    if (character === '\\') index++
    else if (index > start && character === closing && (closing === '"' || --depth === 0)) return index + 1
    else if (closing === ')' && character === '(') depth++
  }
  return value.length
}

function encodePhrase(run: readonly Token[]): string {
  const raw = run.map(({ text }) => text).join('')
  if (isAscii(raw)) return raw
  const words = run
    .filter(({ kind }) => kind !== 'comment')
    .map(textOf)
    .join('')
  const comments = run.filter(({ kind }) => kind === 'comment').map(encodeComment)
  const lead = /^\s/.test(raw) ? ' ' : ''
  return `${[lead + encodeText(words), ...comments].join(' ')} `
}

function textOf({ kind, text }: Token): string {
  return kind === 'quoted' ? text.slice(1, -1).replaceAll(/\\(.)/gu, '$1') : text
}

function encodeComment({ text }: Token): string {
  return isAscii(text) ? text : `(${encodeText(text.slice(1, -1).replaceAll(/\\(.)/gu, '$1'))})`
}

function encodeText(text: string): string {
  return encodeWords(decodeEncodedWords(text.replaceAll(/\s+/g, ' ').trim()))
}

/** An address without angle brackets, with comments. */
function encodeBare(run: readonly Token[]): string | undefined {
  const raw = run.map(({ text }) => text).join('')
  if (isAscii(raw)) return raw
  const address = encodeMailbox(
    run
      .filter(({ kind }) => kind !== 'comment')
      .map(({ text }) => text)
      .join(''),
  )
  const comments = run.filter(({ kind }) => kind === 'comment').map(encodeComment)
  return address === undefined ? undefined : [` ${address}`, ...comments].join(' ')
}

function encodeMailbox(text: string): string | undefined {
  if (isAscii(text)) return text
  const address = parseAddress(text.trim())
  return address && isAscii(address.localPart) ? formatAddress(address) : undefined
}

const maxSegment = 60

/** RFC 2231 §3, §4. Comments are left out. */
function encodeParameters(value: string): string {
  const type = mask(value.split(';', 1)[0] ?? '').trim()
  return [
    type,
    ...splitParameters(value).flatMap(({ name, value: text }) => encodeParameter(mask(name), text)),
  ].join('; ')
}

function encodeParameter(name: string, text: string): string[] {
  if (isAscii(text)) return [`${name}=${quoteWhereNeeded(text)}`]
  const encoded = `UTF-8''${encodeURIComponent(text.toWellFormed()).replaceAll(/['()*]/g, percent)}`
  if (encoded.length <= maxSegment) return [`${name}*=${encoded}`]
  const segments = encoded.match(/(?:%[0-9A-F]{2}|[^%]){1,20}/g) ?? []
  return segments.map((segment, index) => `${name}*${index}*=${segment}`)
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

function quoteWhereNeeded(text: string): string {
  return /^[!#$%&'+.^_`|~\w-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

const foldAt = 76

/**
 * With its CRLF. Folded at blanks, so that without the folds it is the same again; where there is none for too long, within a word.
 * `value` has a character for each octet.
 */
function foldField(name: string, value: string): string {
  const lines: string[] = []
  let line = `${name}:`
  for (const word of value.replaceAll(/\r\n[ \t]*/g, ' ').split(' ')) {
    if (word !== '' && line.length + 1 + word.length > foldAt && line.trim() !== '' && line !== `${name}:`) {
      lines.push(line)
      line = ` ${word}`
    } else line += ` ${word}`
    while (line.length > maxLine) {
      const end = beforeCharacter(line, maxLine)
      lines.push(line.slice(0, end))
      line = ` ${line.slice(end)}`
    }
  }
  return `${[...lines, line].join('\r\n')}\r\n`
}

/** Not within a character of UTF-8. */
function beforeCharacter(octets: string, index: number): number {
  let start = index
  while (/[\x80-\xbf]/.test(octets.charAt(start))) start--
  return start
}
