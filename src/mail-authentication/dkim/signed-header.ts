// The header section as signatures see it (RFC 6376 §3.4.1, §3.4.2, §3.7, §5.4.2).
import { endOfLine } from '../../message/header-lines.ts'
import { maxHeaderFields } from '../../message/header-section.ts'
import { trimBlanks } from '../tag-list.ts'
import type { Canonicalization } from './canonical-body.ts'

/** One field; what nobody asks for is not read. */
export class SignedField {
  readonly #section: Buffer
  readonly #start: number
  readonly #colon: number
  readonly #end: number
  /** In small letters. */
  readonly name: string
  #text: string | undefined
  #relaxed: string | undefined

  constructor(
    section: Buffer,
    name: string,
    { start, colon, end }: Record<'start' | 'colon' | 'end', number>,
  ) {
    this.#section = section
    this.name = name
    this.#start = start
    this.#colon = colon
    this.#end = end
  }

  /** As it came, latin1, with its last CRLF. */
  get text(): string {
    this.#text ??= withLineEnd(this.#section.toString('latin1', this.#start, this.#end))
    return this.#text
  }

  /** Behind the colon, latin1, with its last CRLF. */
  get value(): string {
    return this.text.slice(this.#colon + 1 - this.#start)
  }

  /** The value as people read it: UTF-8, unfolded. */
  get readable(): string {
    return this.#section
      .toString('utf8', this.#colon + 1, this.#end)
      .replaceAll(/\r?\n/g, '')
      .trim()
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

/** All fields of a message, in their order. */
export class SignedHeader {
  readonly fields: readonly SignedField[]
  readonly #byName = new Map<string, SignedField[]>()

  /** The section must not change afterwards. */
  constructor(section: Uint8Array) {
    this.fields = readFields(Buffer.from(section.buffer, section.byteOffset, section.byteLength))
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
}

const fieldName = /^[!-9;-~]+$/
const colonByte = 0x3a

function readFields(section: Buffer): SignedField[] {
  const fields: SignedField[] = []
  for (let start = 0; start < section.length && fields.length < maxHeaderFields; ) {
    let end = endOfLine(section, start)
    const colon = start + section.subarray(start, end).indexOf(colonByte)
    while (section[end] === 0x20 || section[end] === 0x09) end = endOfLine(section, end)
    const name = colon < start ? '' : section.toString('latin1', start, colon).trimEnd()
    if (fieldName.test(name)) fields.push(new SignedField(section, name.toLowerCase(), { start, colon, end }))
    start = end
  }
  return fields
}

function withLineEnd(text: string): string {
  return text.endsWith('\r\n') ? text : `${text}\r\n`
}

/** §3.4.2 */
function relax(name: string, value: string): string {
  const unfolded = value.replaceAll(/\r?\n/g, '')
  return `${name}:${trimBlanks(unfolded.replaceAll(/[ \t]{2,}|\t/g, ' '))}\r\n`
}

/** b= with nothing in it; all around it stays. */
function withoutSignature(value: string): string {
  const found = /(^|;)([ \t\r\n]*b[ \t\r\n]*=)[^;]*/.exec(value)
  if (!found) return value
  const [whole, before = '', tag = ''] = found
  // What stands behind the value, before the end of the field, is white space of the field.
  const isLast = found.index + whole.length === value.length
  return (
    value.slice(0, found.index) +
    before +
    tag +
    (isLast ? '\r\n' : '') +
    value.slice(found.index + whole.length)
  )
}
