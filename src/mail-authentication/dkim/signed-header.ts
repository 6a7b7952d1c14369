// The header section as signatures see it (RFC 6376 §3.4.1, §3.4.2, §3.7, §5.4.2).
import { maxHeaderFields } from '../../message/header-section.ts'
import { trimBlanks } from '../tag-list.ts'
import type { Canonicalization } from './canonical-body.ts'

/** One field; what nobody asks for is not read. */
export class SignedField {
  /** In small letters. */
  readonly name: string
  /** As it came, latin1, with its last CRLF. */
  readonly text: string
  readonly #colon: number
  #relaxed: string | undefined

  /** `colon`: where in the text it stands. */
  constructor(name: string, text: string, colon: number) {
    this.name = name
    this.text = text
    this.#colon = colon
  }

  /** Behind the colon, latin1, with its last CRLF. */
  get value(): string {
    return this.text.slice(this.#colon + 1)
  }

  /** The value as people read it: UTF-8, unfolded. */
  get readable(): string {
    return unfold(Buffer.from(this.value, 'latin1').toString('utf8')).trim()
  }

  /** With its last CRLF. */
  canonical(canonicalization: Canonicalization): string {
    if (canonicalization === 'simple') return this.text
    this.#relaxed ??= relax(this.name, this.value)
    return this.#relaxed
  }

  /** As the field of a signature: b= with nothing in it, and without the last CRLF (§3.7). */
  canonicalOwn(canonicalization: Canonicalization): string {
    const { value } = this
    const emptied = withoutSignature(value)
    const field =
      canonicalization === 'simple'
        ? this.text.slice(0, this.text.length - value.length) + emptied
        : relax(this.name, emptied)
    return field.slice(0, -2)
  }
}

/** Of each a message has one at most: programs show it, or show the body by it (RFC 5322 §3.6). */
const fieldsOfReaders = [
  'from',
  'to',
  'cc',
  'subject',
  'date',
  'reply-to',
  'content-type',
  'content-transfer-encoding',
]

/** All fields of a message, in their order. */
export class SignedHeader {
  readonly fields: readonly SignedField[]
  readonly #byName = new Map<string, SignedField[]>()

  /** Of the section nothing is kept but a text of its own. */
  constructor(section: Uint8Array) {
    const bytes = Buffer.from(section.buffer, section.byteOffset, section.byteLength)
    this.fields = readFields(bytes.toString('latin1'))
    for (const field of this.fields) {
      const same = this.#byName.get(field.name)
      if (same) same.push(field)
      else this.#byName.set(field.name, [field])
    }
  }

  /** `name` in small letters; from the top. */
  named(name: string): readonly SignedField[] {
    return this.#byName.get(name) ?? []
  }

  /**
   * What a signature covers: of each name the last field that is left, from the bottom up (§5.4.2), and none where there is
   * none; then the field of the signature itself.
   */
  canonicalText(names: readonly string[], own: SignedField, canonicalization: Canonicalization): string {
    const taken = new Map<string, number>()
    let text = ''
    for (const name of names) {
      const fields = this.named(name)
      const count = (taken.get(name) ?? 0) + 1
      taken.set(name, count)
      const field = fields[fields.length - count]
      if (field && field !== own) text += field.canonical(canonicalization)
    }
    return text + own.canonicalOwn(canonicalization)
  }

  /** One that a reader sees, and of which there are more than a signature of these names covers, though it covers one (§8.15). */
  findAdded(names: readonly string[]): string | undefined {
    return fieldsOfReaders.find(name => {
      const covered = names.filter(one => one === name).length
      return covered > 0 && this.named(name).length > covered
    })
  }
}

const fieldName = /^[!-9;-~]+$/

/** `section`: latin1. */
function readFields(section: string): SignedField[] {
  const fields: SignedField[] = []
  for (let start = 0; start < section.length && fields.length < maxHeaderFields; ) {
    let end = endOfLine(section, start)
    // The name and its colon stand on the first line.
    const colon = section.slice(start, end).indexOf(':')
    while (section[end] === ' ' || section[end] === '\t') end = endOfLine(section, end)
    const text = section.slice(start, end)
    const name = text.slice(0, Math.max(colon, 0)).trimEnd()
    if (fieldName.test(name)) fields.push(new SignedField(name.toLowerCase(), withLineEnd(text), colon))
    start = end
  }
  return fields
}

/** Behind its line feed, or the end of the section. */
function endOfLine(section: string, start: number): number {
  const newline = section.indexOf('\n', start)
  return newline < 0 ? section.length : newline + 1
}

function withLineEnd(text: string): string {
  return text.endsWith('\r\n') ? text : `${text}\r\n`
}

const wideBlank = /[ \t]{2}|\t/
const wideBlanks = /[ \t]{2,}|\t/g

/** §3.4.2 */
function relax(name: string, value: string): string {
  const line = unfold(trimBlanks(value))
  return `${name}:${wideBlank.test(line) ? line.replaceAll(wideBlanks, ' ') : line}\r\n`
}

/** Most fields are one line. */
function unfold(text: string): string {
  return text.includes('\n') ? text.replaceAll(/\r?\n/g, '') : text
}

/** b= with nothing in it; all around it stays. */
function withoutSignature(value: string): string {
  for (let start = 0; start < value.length; ) {
    const semicolon = value.indexOf(';', start)
    const end = semicolon < 0 ? value.length : semicolon
    const tag = value.slice(start, end)
    const equals = tag.indexOf('=')
    // What stands behind the value, before the end of the field, is white space of the field.
    if (equals >= 0 && trimBlanks(tag.slice(0, equals)) === 'b')
      return value.slice(0, start + equals + 1) + (semicolon < 0 ? '\r\n' : value.slice(end))
    start = end + 1
  }
  return value
}
