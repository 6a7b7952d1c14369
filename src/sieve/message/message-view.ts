// A message as a script sees it: its fields, as they are after what the script has changed in them (RFC 5293), and its body.
import { decodeEncodedWords, encodeWords } from '../../message/encoded-words.ts'
import { cutHeaderSection } from '../../message/header-section.ts'
import type { SieveMessage } from '../circumstances.ts'
import type { SieveLimits } from '../limits.ts'
import { type BodyPart, readBodyParts } from './body-parts.ts'

interface FieldView {
  /** In small letters; undefined: lines that are no field, which stay where they are. */
  readonly name: string | undefined
  /** With its line end. */
  readonly bytes: Uint8Array
  /** As it stands, but unfolded: a name that decodes to an address must not be taken for one. */
  readonly written: string
  /** RFC 5228 §2.4.2.2, §2.7.2: unfolded, decoded, without blanks at its ends; once it is asked for. */
  value: string | undefined
}

const maxFieldNameLength = 200
const fieldName = /^[!-9;-~]+$/

export function isFieldName(name: string): boolean {
  return name.length <= maxFieldNameLength && fieldName.test(name)
}

export class MessageView {
  readonly #message: SieveMessage
  readonly #limits: SieveLimits
  readonly #fields: FieldView[]
  /** Until they change. */
  #byName: Map<string, FieldView[]> | undefined
  #isEdited = false
  #edited: Uint8Array | undefined
  #body: Promise<Uint8Array | undefined> | undefined
  #parts: Promise<readonly BodyPart[]> | undefined

  constructor(message: SieveMessage, limits: SieveLimits) {
    this.#message = message
    this.#limits = limits
    this.#fields = cutHeaderSection(message.headerSection).map(({ field, bytes }) => ({
      name: field?.name.toLowerCase(),
      bytes,
      written: field?.value ?? '',
      value: undefined,
    }))
  }

  /** Of all fields with this name, whatever its letters, in their order. */
  values(name: string): string[] {
    return this.#named(name).map(valueOf)
  }

  /** Of the same fields, nothing decoded: for what is in them that is no text (addresses, Message-IDs). */
  writtenValues(name: string): string[] {
    return this.#named(name).map(({ written }) => written)
  }

  #named(name: string): readonly FieldView[] {
    if (!this.#byName) {
      this.#byName = new Map()
      for (const field of this.#fields) {
        if (field.name === undefined) continue
        const same = this.#byName.get(field.name)
        if (same) same.push(field)
        else this.#byName.set(field.name, [field])
      }
    }
    return this.#byName.get(name.toLowerCase()) ?? []
  }

  get fieldCount(): number {
    return this.#fields.length
  }

  /** RFC 5228 §5.9. */
  get size(): number {
    const section = this.editedSection()
    return this.#message.size + (section ? section.length - this.#message.headerSection.length : 0)
  }

  /** undefined: the section is as it came. */
  editedSection(): Uint8Array | undefined {
    if (!this.#isEdited) return undefined
    this.#edited ??= Buffer.concat(this.#fields.map(({ bytes }) => bytes))
    return this.#edited
  }

  readBody(): Promise<Uint8Array | undefined> {
    this.#body ??= this.#message.readBody(this.#limits.maxBodyBytes)
    return this.#body
  }

  /** RFC 5293 §7 leaves it open whether other fields change how the body is read: they don't. */
  readParts(): Promise<readonly BodyPart[]> {
    this.#parts ??= this.readBody().then(body =>
      body ? readBodyParts(this.#message.headerSection, body) : [],
    )
    return this.#parts
  }

  /** RFC 5293 §4. false: the header section would be too long. */
  addField(name: string, value: string, isLast: boolean): boolean {
    const line = asOneLine(value)
    const bytes = Buffer.from(`${name}: ${foldValue(name, line)}\r\n`)
    const length = this.#fields.reduce((sum, field) => sum + field.bytes.length, 0)
    if (length + bytes.length > this.#limits.maxHeaderBytes) return false
    const field = { name: name.toLowerCase(), bytes, value: line, written: line }
    if (isLast) this.#fields.push(field)
    else this.#fields.unshift(field)
    this.#changed()
    return true
  }

  /** RFC 5293 §5: `index` from 1, from the end with `fromEnd`; undefined: each one. `matches` says which of them go. */
  deleteFields(
    name: string,
    index: number | undefined,
    fromEnd: boolean,
    matches: (value: string) => boolean,
  ): void {
    const named = this.#named(name)
    const chosen = index === undefined ? named : named.slice(...oneAt(named.length, index, fromEnd))
    const gone = new Set(chosen.filter(field => matches(valueOf(field))))
    if (gone.size === 0) return
    const left = this.#fields.filter(field => !gone.has(field))
    this.#fields.splice(0, this.#fields.length, ...left)
    this.#changed()
  }

  #changed(): void {
    this.#isEdited = true
    this.#edited = undefined
    this.#byName = undefined
  }
}

function valueOf(field: FieldView): string {
  field.value ??= decodeEncodedWords(field.written).trim()
  return field.value
}

/** The range of the one that is meant: none, where there are fewer (RFC 5260 §6). */
export function oneAt(length: number, index: number, fromEnd: boolean): [number, number] {
  const at = fromEnd ? length - index : index - 1
  return index < 1 || at < 0 || at >= length ? [0, 0] : [at, at + 1]
}

/** RFC 5322 §2.1.1: a line should have 78 characters, and has 998 at most. */
const goodLineLength = 78
const maxLineLength = 998

/** Whatever lines it has, it is one field. */
function asOneLine(value: string): string {
  return value
    .split(/[\r\n]/)
    .map(line => line.trim())
    .filter(line => line !== '')
    .join(' ')
    .replaceAll(/[\0-\x08\x0b-\x1f\x7f]/g, '')
}

/** Text beyond ASCII becomes encoded words (RFC 2047). */
function foldValue(name: string, plain: string): string {
  const encoded = encodeWords(plain)
  if (encoded !== plain) return encoded
  const lines: string[] = []
  let line = ''
  let room = goodLineLength - name.length - 2
  for (const word of plain.split(/(?<=[^ \t])(?=[ \t])/)) {
    if (line !== '' && line.length + word.length > room) {
      lines.push(line)
      line = ''
      room = goodLineLength
    }
    line += word
  }
  lines.push(line)
  // A word that no line can have: it is cut, as encoded words are.
  return lines.every(each => each.length < maxLineLength - maxFieldNameLength)
    ? lines.join('\r\n')
    : cutIntoWords(plain)
}

function cutIntoWords(text: string): string {
  const words: string[] = []
  for (let at = 0; at < text.length; at += 45)
    words.push(`=?US-ASCII?B?${Buffer.from(text.slice(at, at + 45)).toString('base64')}?=`)
  return words.join('\r\n ')
}
