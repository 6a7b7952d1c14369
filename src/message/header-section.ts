// The header section of a message: where it ends, and the fields in it (RFC 5322 §2.2, §3.5).

export interface HeaderField {
  /** As written: 'Subject'. */
  readonly name: string
  /** Unfolded, without blanks at its ends (RFC 5322 §2.2.3). */
  readonly value: string
  /** Where the field stands in the section: from its first byte to behind its last CRLF. */
  readonly start: number
  readonly end: number
}

const cr = 0x0d
const lf = 0x0a
const colon = 0x3a
/** RFC 5322 §2.1.1 */
const maxLineLength = 998
/** RFC 4155: the first word of the line that parts the messages of an mbox file; programs put > before it. */
const separator = /^>{0,6}From$/
const maxOpeningLength = 11

export interface SplitMessage {
  /** Without the separator of an mbox file before it. */
  readonly section: Uint8Array
  /** What has come of the message after it, with the empty line where there is one. */
  readonly rest: Uint8Array
  /** The section ends without an empty line, at a line that is no field: that and all after it is text. */
  readonly lacksEmptyLine: boolean
}

/** Where in a line the next byte stands: what the line is shows at its first colon, blank or CR. */
type Place =
  | 'line-start'
  | 'cr-at-line-start'
  | 'name'
  | 'blank-after-name'
  | 'value'
  | 'cr-in-value'
  | 'separator'
  | 'cr-in-separator'

/**
 * Finds the end of the header section in mail data that comes in pieces: the empty line, or the first line that is
 * neither a field nor the continuation of one. Whatever stands there is text, though its writer forgot the empty line;
 * else what we put before it would run into it. The separator of an mbox file (RFC 4155: 'From anna@example.test …')
 * before the first field is no part of the message; without a field right after it, it is text like any other.
 */
export class HeaderSplitter {
  readonly #maxBytes: number
  /** What came before the present piece, and room for more. */
  #kept = Buffer.alloc(0)
  #bytes = 0
  #place: Place = 'line-start'
  /** Where the present line begins, in the whole message. */
  #lineStart = 0
  /** Where the first line begins: behind the separator. */
  #sectionStart = 0
  /** What the very first line begins with, as far as it may be a separator. */
  #opening = ''

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** 'incomplete': more is needed. 'too-long': over the limit, in whatever pieces it comes. */
  take(piece: Uint8Array): 'incomplete' | 'too-long' | SplitMessage {
    for (let index = 0; index < piece.length; index++) {
      if (this.#place === 'value') {
        // Nothing but the end of the line matters.
        index = piece.indexOf(cr, index)
        if (index < 0) break
        this.#place = 'cr-in-value'
        continue
      }
      const end = this.#step(piece[index] ?? 0, this.#bytes + index - this.#lineStart)
      if (end === 'line-end') this.#lineStart = this.#bytes + index + 1
      else if (end === 'separator-end') this.#lineStart = this.#sectionStart = this.#bytes + index + 1
      else if (end !== undefined) return this.#split(piece, end === 'text')
    }
    const isInField = this.#place === 'value' || this.#place === 'cr-in-value'
    if ((isInField ? this.#bytes + piece.length : this.#lineStart) > this.#maxBytes) return 'too-long'
    this.#keep(piece)
    return 'incomplete'
  }

  /** The message has ended, and with it the header section. */
  finish(): SplitMessage {
    // A last line that has no end may have begun as a field, and never become one.
    const isField =
      this.#place === 'value' || this.#place === 'cr-in-value' || this.#lineStart === this.#bytes
    return cut(
      this.#kept.subarray(0, this.#bytes),
      this.#sectionStart,
      isField ? this.#bytes : this.#lineStart,
      !isField,
    )
  }

  /** What the byte, the `column`th of its line from 0, ends: a line, or the section, at an empty line or at text. */
  #step(byte: number, column: number): 'line-end' | 'separator-end' | 'empty-line' | 'text' | undefined {
    switch (this.#place) {
      case 'line-start':
        if (byte === cr) this.#place = 'cr-at-line-start'
        else if (isNameByte(byte)) {
          this.#place = 'name'
          this.#noteOpening(byte)
        } else if (isBlank(byte) && this.#lineStart > this.#sectionStart) this.#place = 'value'
        else return 'text'
        return undefined
      case 'cr-at-line-start':
        return byte === lf ? 'empty-line' : 'text'
      case 'name':
      case 'blank-after-name':
        if (column >= maxLineLength) return 'text'
        if (byte === colon) this.#place = 'value'
        // RFC 5322 §4.5: blanks before the colon are obsolete, and met.
        else if (isBlank(byte)) this.#place = 'blank-after-name'
        else if (this.#isSeparator()) this.#place = byte === cr ? 'cr-in-separator' : 'separator'
        else if (this.#place === 'blank-after-name' || !isNameByte(byte)) return 'text'
        else this.#noteOpening(byte)
        return undefined
      case 'cr-in-value':
        this.#place = byte === lf ? 'line-start' : byte === cr ? 'cr-in-value' : 'value'
        return byte === lf ? 'line-end' : undefined
      case 'separator':
      case 'cr-in-separator':
        if (column >= maxLineLength) return 'text'
        if (byte === lf && this.#place === 'cr-in-separator') {
          this.#place = 'line-start'
          return 'separator-end'
        }
        this.#place = byte === cr ? 'cr-in-separator' : 'separator'
        return undefined
      case 'value':
        return undefined
      default:
        return this.#place satisfies never
    }
  }

  #noteOpening(byte: number): void {
    if (this.#lineStart === 0 && this.#opening.length < maxOpeningLength)
      this.#opening += String.fromCharCode(byte)
  }

  #isSeparator(): boolean {
    return this.#lineStart === 0 && this.#place === 'blank-after-name' && separator.test(this.#opening)
  }

  /** A copy: the piece may be a part of a buffer that is used again. One buffer, however small the pieces. */
  #keep(piece: Uint8Array): void {
    const bytes = this.#bytes + piece.length
    if (bytes > this.#kept.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#kept.length))
      this.#kept.copy(larger, 0, 0, this.#bytes)
      this.#kept = larger
    }
    this.#kept.set(piece, this.#bytes)
    this.#bytes = bytes
  }

  #split(piece: Uint8Array, lacksEmptyLine: boolean): 'too-long' | SplitMessage {
    if (this.#lineStart > this.#maxBytes) return 'too-long'
    const all = this.#bytes === 0 ? piece : Buffer.concat([this.#kept.subarray(0, this.#bytes), piece])
    return cut(all, this.#sectionStart, this.#lineStart, lacksEmptyLine)
  }
}

function cut(message: Uint8Array, start: number, end: number, lacksEmptyLine: boolean): SplitMessage {
  // No field follows what looked like a separator: it is text.
  if (end === start && start > 0)
    return { section: message.subarray(0, 0), rest: message, lacksEmptyLine: true }
  return { section: message.subarray(start, end), rest: message.subarray(end), lacksEmptyLine }
}

/** RFC 5322 §2.2: what the name of a field is made of. */
function isNameByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && byte !== colon
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09
}

/** What comes behind so many fields is not looked at. */
export const maxHeaderFields = 2000

/** The fields in their order. What is no field is passed over: a header section from elsewhere may have such lines. */
export function parseHeaderFields(section: Uint8Array): HeaderField[] {
  const text = Buffer.from(section.buffer, section.byteOffset, section.byteLength)
  const fields: HeaderField[] = []
  for (let start = 0; start < text.length && fields.length < maxHeaderFields; ) {
    const end = endOfField(text, start)
    const field = parseField(text, start, end)
    if (field) fields.push(field)
    start = end
  }
  return fields
}

/** A field, or lines that are none; with their line ends. */
export interface HeaderPiece {
  readonly field: HeaderField | undefined
  readonly bytes: Uint8Array
}

/** All of the section, in its order. */
export function cutHeaderSection(section: Uint8Array): HeaderPiece[] {
  const pieces: HeaderPiece[] = []
  let from = 0
  const keep = (to: number, field: HeaderField | undefined): void => {
    if (to > from) pieces.push({ field, bytes: section.subarray(from, to) })
    from = to
  }
  for (const field of parseHeaderFields(section)) {
    keep(field.start, undefined)
    keep(field.end, field)
  }
  keep(section.length, undefined)
  return pieces
}

/** Behind the CRLF of the last line of the field that starts here: lines that begin with a blank go on with it. */
function endOfField(text: Buffer, start: number): number {
  let end = start
  do {
    const newline = text.indexOf(lf, end)
    if (newline < 0) return text.length
    end = newline + 1
  } while (isBlank(text[end] ?? 0))
  return end
}

const fieldName = /^[!-9;-~]+$/

function parseField(text: Buffer, start: number, end: number): HeaderField | undefined {
  // Within the field only: a search to the end of the section from each line that has no colon would be quadratic.
  const nameEnd = start + text.subarray(start, end).indexOf(colon)
  if (nameEnd < start) return undefined
  const name = text.toString('latin1', start, nameEnd).trimEnd()
  if (!fieldName.test(name)) return undefined
  const value = text
    .toString('utf8', nameEnd + 1, end)
    .replaceAll(/\r?\n/g, '')
    .trim()
  return { name, value, start, end }
}

/** The value of the first field of this name. */
export function findFieldValue(fields: readonly HeaderField[], name: string): string | undefined {
  const lower = name.toLowerCase()
  return fields.find(field => field.name.toLowerCase() === lower)?.value
}

export function countFields(fields: readonly HeaderField[], name: string): number {
  const lower = name.toLowerCase()
  return fields.reduce((count, field) => (field.name.toLowerCase() === lower ? count + 1 : count), 0)
}
