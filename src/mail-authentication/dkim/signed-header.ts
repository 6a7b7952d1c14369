// The header section as signatures see it (RFC 6376 §3.4.1, §3.4.2, §3.7, §5.4.2).
import { type HeaderField, parseHeaderFields } from '../../message/header-section.ts'
import { trimBlanks } from '../tag-list.ts'
import type { Canonicalization } from './canonical-body.ts'

export interface SignedField {
  /** In small letters. */
  readonly name: string
  /** As it came, latin1, with its last CRLF. */
  readonly text: string
  /** Behind the colon. */
  readonly value: string
  /** Decoded as UTF-8, unfolded. */
  readonly readable: string
}

/** All fields of a message, in their order; the canonical form of each is made once. */
export class SignedHeader {
  readonly fields: readonly SignedField[]
  readonly #byName = new Map<string, SignedField[]>()
  readonly #relaxed = new Map<SignedField, string>()

  constructor(section: Uint8Array) {
    const bytes = Buffer.from(section.buffer, section.byteOffset, section.byteLength)
    this.fields = parseHeaderFields(section).map(field => readField(bytes, field))
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
   * none; then the field of the signature itself, without its value and without its CRLF (§3.7).
   */
  canonicalText(names: readonly string[], own: SignedField, canonicalization: Canonicalization): string {
    const taken = new Map<string, number>()
    let text = ''
    for (const name of names) {
      const fields = this.named(name)
      const count = (taken.get(name) ?? 0) + 1
      taken.set(name, count)
      const field = fields[fields.length - count]
      if (field && field !== own) text += this.canonicalField(field, canonicalization)
    }
    return text + canonicalOwnField(own, canonicalization)
  }

  /** With its last CRLF. */
  canonicalField(field: SignedField, canonicalization: Canonicalization): string {
    if (canonicalization === 'simple') return field.text
    const known = this.#relaxed.get(field)
    if (known !== undefined) return known
    const text = relax(field)
    this.#relaxed.set(field, text)
    return text
  }
}

function readField(section: Buffer, { name, value, start, end }: HeaderField): SignedField {
  const whole = section.toString('latin1', start, end)
  const text = whole.endsWith('\r\n') ? whole : `${whole}\r\n`
  return { name: name.toLowerCase(), text, value: text.slice(text.indexOf(':') + 1), readable: value }
}

/** §3.4.2 */
function relax({ name, value }: Pick<SignedField, 'name' | 'value'>): string {
  const unfolded = value.replaceAll(/\r?\n/g, '')
  return `${name}:${trimBlanks(unfolded.replaceAll(/[ \t]+/g, ' '))}\r\n`
}

export function canonicalOwnField(field: SignedField, canonicalization: Canonicalization): string {
  const emptied = withoutSignature(field)
  return (canonicalization === 'simple' ? emptied.text : relax(emptied)).slice(0, -2)
}

/** b= with nothing in it; all around it stays. */
function withoutSignature(field: SignedField): SignedField {
  const { text, value } = field
  const found = /(^|;)([ \t\r\n]*b[ \t\r\n]*=)[^;]*/.exec(value)
  if (!found) return field
  const [whole, before = '', tag = ''] = found
  // What stands behind the value, before the end of the field, is white space of the field.
  const isLast = found.index + whole.length === value.length
  const emptied =
    value.slice(0, found.index) +
    before +
    tag +
    (isLast ? '\r\n' : '') +
    value.slice(found.index + whole.length)
  return { ...field, text: text.slice(0, text.length - value.length) + emptied, value: emptied }
}
