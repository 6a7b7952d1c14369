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
/** RFC 4155: what begins the line that parts the messages of an mbox file; programs put > before it. */
const separator = /^>{0,6}From[ \t]/
/** The longest opening that it matches, up to its blank. */
const maxOpeningLength = 10

export interface SplitMessage {
  readonly section: Uint8Array
  /** What has come of the message after it, with the empty line where there is one. */
  readonly rest: Uint8Array
  /** The section ends without an empty line, at a line that is no field: that and all after it is text. */
  readonly lacksEmptyLine: boolean
}

/** Where in a line the next byte stands: what the line is shows at its first colon, blank or CR. */
type Place = 'line-start' | 'cr-at-line-start' | 'name' | 'blank-after-name' | 'value' | 'cr-in-value'

/**
 * Finds the end of the header section in mail data that comes in pieces: the empty line, or the first line that is
 * neither a field nor the continuation of one. Whatever stands there is text, though its writer forgot the empty line;
 * else what we put before it would run into it. The separator of an mbox file (RFC 4155: 'From anna@example.test …') at the
 * very beginning does not count: `dropSeparator` takes it away.
 */
export class HeaderSplitter {
  readonly #maxBytes: number
  #pieces: Uint8Array[] = []
  /** Of the pieces before. */
  #bytes = 0
  #place: Place = 'line-start'
  /** Where the present line begins, in the whole message. */
  #lineStart = 0
  /** What the first line begins with, as far as it may be a separator. */
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
      else if (end !== undefined) return this.#split(piece, end === 'text')
    }
    this.#bytes += piece.length
    const isInField = this.#place === 'value' || this.#place === 'cr-in-value'
    if ((isInField ? this.#bytes : this.#lineStart) > this.#maxBytes) return 'too-long'
    // A copy: the piece may be a part of a buffer that is used again.
    this.#pieces.push(Uint8Array.prototype.slice.call(piece))
    return 'incomplete'
  }

  /** The message has ended, and with it the header section. */
  finish(): SplitMessage {
    const all = Buffer.concat(this.#pieces)
    // A last line that has no end may have begun as a field, and never become one.
    const isField = this.#place === 'value' || this.#place === 'cr-in-value' || this.#lineStart === all.length
    const end = isField ? all.length : this.#lineStart
    return { section: all.subarray(0, end), rest: all.subarray(end), lacksEmptyLine: !isField }
  }

  /** What the byte, the `column`th of its line from 0, ends: a line, or the section, at an empty line or at text. */
  #step(byte: number, column: number): 'line-end' | 'empty-line' | 'text' | undefined {
    switch (this.#place) {
      case 'line-start':
        if (byte === cr) this.#place = 'cr-at-line-start'
        else if (isNameByte(byte)) {
          this.#place = 'name'
          this.#noteOpening(byte)
        } else if (isBlank(byte) && this.#lineStart > 0) this.#place = 'value'
        else return 'text'
        return undefined
      case 'cr-at-line-start':
        return byte === lf ? 'empty-line' : 'text'
      case 'name':
      case 'blank-after-name':
        if (column >= maxLineLength) return 'text'
        if (byte === colon) this.#place = 'value'
        // RFC 5322 §4.5: blanks before the colon are obsolete, and met.
        else if (isBlank(byte)) this.#place = this.#isSeparator() ? 'value' : 'blank-after-name'
        else if (this.#place === 'blank-after-name' || !isNameByte(byte)) return 'text'
        else this.#noteOpening(byte)
        return undefined
      case 'cr-in-value':
        this.#place = byte === lf ? 'line-start' : byte === cr ? 'cr-in-value' : 'value'
        return byte === lf ? 'line-end' : undefined
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
    return this.#lineStart === 0 && this.#place === 'name' && separator.test(`${this.#opening} `)
  }

  #split(piece: Uint8Array, lacksEmptyLine: boolean): 'too-long' | SplitMessage {
    const end = this.#lineStart
    if (end > this.#maxBytes) return 'too-long'
    const all = this.#pieces.length === 0 ? piece : Buffer.concat([...this.#pieces, piece])
    return { section: all.subarray(0, end), rest: all.subarray(end), lacksEmptyLine }
  }
}

/** RFC 5322 §2.2: what the name of a field is made of. */
function isNameByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && byte !== colon
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09
}

/** The header section without the separator of an mbox file, which some programs leave before it. */
export function dropSeparator(section: Uint8Array): Uint8Array {
  const text = Buffer.from(section.buffer, section.byteOffset, section.byteLength)
  if (!separator.test(text.toString('latin1', 0, maxOpeningLength + 1))) return section
  const end = text.indexOf(lf)
  return section.subarray(end < 0 ? section.length : end + 1)
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
