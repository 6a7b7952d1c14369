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

/**
 * Finds the end of the header section in mail data that comes in pieces. The section reaches up to and without the
 * empty line; mail data without any empty line is all header section.
 */
export class HeaderSplitter {
  readonly #maxBytes: number
  #pieces: Uint8Array[] = []
  #bytes = 0
  /** How much of CRLF CRLF has been seen; the start of the message counts as a line end. */
  #matched = 2

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * 'incomplete': more is needed. 'too-long': over the limit, in whatever pieces it comes. Else `section` is the
   * header section, and `rest` what has come of the message after it, with the empty line.
   */
  take(piece: Uint8Array): 'incomplete' | 'too-long' | SplitMessage {
    for (let index = 0; index < piece.length; index++) {
      const byte = piece[index]
      if (byte === (this.#matched % 2 === 0 ? cr : lf)) this.#matched++
      else if (byte === cr) this.#matched = 1
      else this.#matched = 0
      if (this.#matched === 4) return this.#split(piece, index + 1)
    }
    this.#bytes += piece.length
    // The last byte may be the first one of the empty line.
    if (this.#bytes > this.#maxBytes + 1) return 'too-long'
    // A copy: the piece may be a part of a buffer that is used again.
    this.#pieces.push(Uint8Array.prototype.slice.call(piece))
    return 'incomplete'
  }

  /** The message has ended without an empty line. */
  finish(): SplitMessage {
    return { section: Buffer.concat(this.#pieces), rest: new Uint8Array(0) }
  }

  #split(piece: Uint8Array, end: number): 'too-long' | SplitMessage {
    const emptyLineBytes = 2
    if (this.#bytes + end - emptyLineBytes > this.#maxBytes) return 'too-long'
    if (this.#pieces.length === 0 && end >= emptyLineBytes) {
      return { section: piece.subarray(0, end - emptyLineBytes), rest: piece.subarray(end - emptyLineBytes) }
    }
    const all = Buffer.concat([...this.#pieces, piece])
    const at = this.#bytes + end - emptyLineBytes
    return { section: all.subarray(0, at), rest: all.subarray(at) }
  }
}

export interface SplitMessage {
  readonly section: Uint8Array
  readonly rest: Uint8Array
}

/** What comes behind so many fields is not looked at. */
export const maxHeaderFields = 2000

/** The fields in their order. Lines that are no field (no colon, blanks in the name) are passed over. */
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
  } while (text[end] === 0x20 || text[end] === 0x09)
  return end
}

const fieldName = /^[!-9;-~]+$/

function parseField(text: Buffer, start: number, end: number): HeaderField | undefined {
  // Within the field only: a search to the end of the section from each line that has no colon would be quadratic.
  const colon = start + text.subarray(start, end).indexOf(0x3a)
  if (colon < start) return undefined
  const name = text.toString('latin1', start, colon).trimEnd()
  if (!fieldName.test(name)) return undefined
  const value = text
    .toString('utf8', colon + 1, end)
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
