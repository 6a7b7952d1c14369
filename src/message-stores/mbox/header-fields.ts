// The header section of a message in an mbox file, line by line: which lines are status fields, and what they say.
import { isBlankLine, type LinePiece } from './line-pieces.ts'
import { readFieldNames, statusFieldNames } from './status-fields.ts'

/** Of one value. */
const maxValueLength = 16 * 1024
const fieldName = /^([!-9;-~]{1,64})[ \t]*:/

export class MboxHeader {
  readonly #values = new Map<string, string>()
  #isOver = false
  /** Of the line that stands open, in lower case; undefined: of no interest. */
  #field: string | undefined

  get fields(): ReadonlyMap<string, string> {
    return this.#values
  }

  /** What the line is; of a line in pieces, each. */
  take(piece: LinePiece): 'field' | 'status-field' | 'end' | 'body' {
    if (this.#isOver) return 'body'
    if (isBlankLine(piece)) {
      this.#isOver = true
      return 'end'
    }
    const first = piece.bytes[0]
    const goesOn = !piece.beginsLine || first === 0x20 || first === 0x09
    if (!goesOn) this.#field = this.#begin(piece.bytes)
    if (this.#field === undefined) return 'field'
    this.#append(this.#field, piece.bytes, goesOn)
    return statusFieldNames.has(this.#field) ? 'status-field' : 'field'
  }

  #begin(bytes: Buffer): string | undefined {
    const name = fieldName.exec(bytes.subarray(0, 80).toString('latin1'))?.[1]?.toLowerCase()
    return name !== undefined && (statusFieldNames.has(name) || readFieldNames.has(name)) ? name : undefined
  }

  #append(name: string, bytes: Buffer, goesOn: boolean): void {
    const text = bytes.subarray(0, maxValueLength).toString('utf8').trimEnd()
    const before = this.#values.get(name)
    // The first of several counts, as with any field.
    if (!goesOn && before !== undefined) return
    const value = goesOn ? `${before ?? ''} ${text.trimStart()}` : text.slice(text.indexOf(':') + 1).trim()
    if (value.length <= maxValueLength) this.#values.set(name, value)
  }
}
