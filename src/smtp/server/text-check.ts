// What must not be in mail data that is text: bare CR or LF, NUL, lines over their limit (RFC 5321 §2.3.8, §4.5.3.1.6).
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'

const eightBit = /[\x80-\xff]/
/** RFC 5322 §2.1.1: 998 octets and CRLF. */
const maxProperLineBytes = 1000

/** Checks text that comes in pieces; CRLF and lines may be cut anywhere. */
export class TextCheck {
  readonly #maxLineBytes: number
  /** Of the line that is not over yet. */
  #lineBytes = 0
  #afterCr = false
  /** The first piece with something wrong in it, and what. */
  problem: Reply | undefined
  isEightBit = false
  hasLongLines = false

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  check(piece: Buffer): void {
    if (this.problem) return
    // As a string of octets: its search for one character is the fastest there is, several times that of a loop.
    const text = piece.toString('latin1')
    if (!this.isEightBit && eightBit.test(text)) this.isEightBit = true
    if (text.includes('\0')) this.problem = replies.nulInMessage
    else this.#checkLines(text)
  }

  /** Text may end without a CRLF (BDAT), but not in the middle of one. */
  finish(): void {
    if (this.#afterCr) this.problem ??= replies.bareLineEnd
  }

  #checkLines(text: string): void {
    const { length } = text
    // Index of the line's first octet, which may have come with an earlier piece.
    let lineStart = -this.#lineBytes
    let position = 0
    if (this.#afterCr && length > 0) {
      if (text[0] !== '\n') {
        this.problem = replies.bareLineEnd
        return
      }
      position = 1
      if (this.#isTooLong(position - lineStart)) return
      lineStart = position
    }
    let afterCr = length === 0 && this.#afterCr
    for (;;) {
      const cr = text.indexOf('\r', position)
      const lf = text.indexOf('\n', position)
      if (cr >= 0 && cr === length - 1 && lf < 0) {
        afterCr = true
        break
      }
      if (cr < 0 && lf < 0) break
      if (cr < 0 || lf !== cr + 1) {
        this.problem = replies.bareLineEnd
        return
      }
      position = lf + 1
      if (this.#isTooLong(position - lineStart)) return
      lineStart = position
    }
    // A line that never ends is too long before it ends.
    this.#isTooLong(length - lineStart)
    this.#afterCr = afterCr
    this.#lineBytes = length - lineStart
  }

  #isTooLong(lineBytes: number): boolean {
    if (lineBytes > maxProperLineBytes) this.hasLongLines = true
    if (lineBytes <= this.#maxLineBytes) return false
    this.problem = replies.textLineTooLong(this.#maxLineBytes)
    return true
  }
}
