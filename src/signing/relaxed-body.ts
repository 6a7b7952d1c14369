// The hash of a body in its "relaxed" form (RFC 6376 §3.4.4), while it comes in pieces: blanks before a line end and empty lines
// at the end count for nothing, and several blanks are one.
import { createHash, type Hash } from 'node:crypto'

const cr = 0x0d
const lf = 0x0a
const space = 0x20
const tab = 0x09
const lineEnd = Buffer.from('\r\n')
const manyLineEnds = Buffer.from('\r\n'.repeat(512))
/** What was kept back before a piece, but for line ends: a CR and a blank. */
const maxKept = 2

export class RelaxedBodyHash {
  readonly #hash: Hash = createHash('sha256')
  /** Line ends that count only when something comes after them. */
  #lineEnds = 0
  #hasBlank = false
  /** It may be the beginning of a line end. */
  #hasCr = false
  #isEmpty = true
  #out = Buffer.alloc(0)
  #length = 0

  take(piece: Uint8Array): void {
    // Each octet gives one at the most.
    if (this.#out.length < piece.length + maxKept) this.#out = Buffer.allocUnsafeSlow(piece.length + maxKept)
    this.#length = 0
    const { length } = piece
    let index = 0
    while (index < length) {
      // Most octets are text after text.
      if (!this.#isHolding) index = this.#copyText(piece, index)
      if (index < length) this.#take(piece[index++] ?? 0)
    }
    this.#flush()
  }

  get #isHolding(): boolean {
    return this.#hasCr || this.#hasBlank || this.#lineEnds > 0
  }

  /** Up to the next octet that is no text; returns its place. */
  #copyText(piece: Uint8Array, start: number): number {
    const out = this.#out
    let length = this.#length
    let index = start
    for (; index < piece.length; index++) {
      const byte = piece[index] ?? 0
      if (byte === space || byte === tab || byte === cr) break
      out[length++] = byte
    }
    this.#length = length
    return index
  }

  #take(byte: number): void {
    if (this.#hasCr) {
      this.#hasCr = false
      if (byte === lf) {
        this.#hasBlank = false
        this.#lineEnds++
        return
      }
      // A CR alone is an octet like any other.
      this.#write(cr)
    }
    if (byte === cr) this.#hasCr = true
    else if (byte === space || byte === tab) this.#hasBlank = true
    else this.#write(byte)
  }

  /** In base64; of a body without anything that counts, that of nothing at all. */
  finish(): string {
    if (this.#hasCr) {
      this.#out = Buffer.alloc(1 + maxKept)
      this.#write(cr)
      this.#flush()
    }
    // A last line without its end gets one.
    if (!this.#isEmpty) this.#hash.update(lineEnd)
    return this.#hash.digest('base64')
  }

  /** After what was kept back: something comes after it. */
  #write(byte: number): void {
    // Those from before the present piece, which has no room for them.
    if (this.#length === 0) this.#hashLineEnds()
    for (; this.#lineEnds > 0; this.#lineEnds--) {
      this.#out[this.#length++] = cr
      this.#out[this.#length++] = lf
    }
    if (this.#hasBlank) this.#out[this.#length++] = space
    this.#hasBlank = false
    this.#out[this.#length++] = byte
  }

  #hashLineEnds(): void {
    if (this.#lineEnds > 0) this.#isEmpty = false
    for (; this.#lineEnds > 0; this.#lineEnds -= Math.min(this.#lineEnds, 512))
      this.#hash.update(manyLineEnds.subarray(0, 2 * Math.min(this.#lineEnds, 512)))
  }

  #flush(): void {
    if (this.#length === 0) return
    this.#isEmpty = false
    this.#hash.update(this.#out.subarray(0, this.#length))
    this.#length = 0
  }
}
