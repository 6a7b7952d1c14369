// The body of a message as signatures see it, while it comes (RFC 6376 §3.4.3, §3.4.4). What may have to go, at the end of
// a line or of the body, is counted, not kept: memory does not follow what a stranger sends.

export type Canonicalization = 'simple' | 'relaxed'

/** Takes canonical text in pieces, which are used again as soon as it returns. */
export type TakeCanonical = (piece: Uint8Array) => void

/** Both forms as one: they differ in white space only. */
export class CanonicalBody {
  readonly #isRelaxed: boolean
  readonly #take: TakeCanonical
  /** CRLFs behind the last octet that was passed on: empty lines, if more comes. */
  #lines = 0
  /** White space stands behind them, or on the line that is not over. Relaxed only. */
  #hasBlank = false
  /** The last octet so far is a CR. */
  #hasCr = false
  #isEmpty = true

  constructor(canonicalization: Canonicalization, take: TakeCanonical) {
    this.#isRelaxed = canonicalization === 'relaxed'
    this.#take = take
  }

  write(piece: Uint8Array): void {
    if (piece.length > 0 && !this.#passAsItIs(piece)) this.#change(piece)
  }

  /** Most of what people write is canonical already, but for the empty lines at its end. */
  #passAsItIs(piece: Uint8Array): boolean {
    if (this.#lines > 1 || this.#hasBlank || this.#hasCr) return false
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    if (this.#isRelaxed && !isReduced(bytes)) return false
    const last = bytes.at(-1)
    const before = bytes.at(-2)
    const endsWithLine = last === lf && before === cr
    if (endsWithLine ? bytes.at(-3) === lf || bytes.length < 3 : last === cr || last === space) return false
    if (this.#lines === 1) {
      // A blank at the beginning of a line stays one; the end of the line before is due.
      if (bytes[0] === cr) return false
      this.#take(lineEnds.subarray(0, 2))
    }
    this.#isEmpty = false
    this.#take(endsWithLine ? bytes.subarray(0, -2) : bytes)
    this.#lines = endsWithLine ? 1 : 0
    return true
  }

  #change(piece: Uint8Array): void {
    const out = roomFor(piece.length)
    const isRelaxed = this.#isRelaxed
    let length = 0
    let hasCr = this.#hasCr
    let hasBlank = this.#hasBlank
    let lines = this.#lines
    for (let index = 0; index < piece.length; index++) {
      const byte = piece[index] ?? 0
      if (byte === lf && hasCr) {
        hasCr = false
        hasBlank = false
        lines++
        continue
      }
      if (!hasCr && byte === cr) {
        hasCr = true
        continue
      }
      if (!hasCr && isRelaxed && (byte === space || byte === tab)) {
        hasBlank = true
        continue
      }
      // Something that stays: what stood before it is not the end of the body.
      if (lines > maxLinesInPlace) {
        this.#pass(out, length)
        length = 0
        this.#passLines(lines)
        lines = 0
      }
      for (; lines > 0; lines--) {
        out[length++] = cr
        out[length++] = lf
      }
      if (hasBlank) out[length++] = space
      hasBlank = false
      if (hasCr) {
        // Without its LF it is an octet like any other; the present one is looked at again.
        out[length++] = cr
        hasCr = false
        index--
        continue
      }
      out[length++] = byte
      for (let next = piece[index + 1] ?? 0; next > space; next = piece[++index + 1] ?? 0)
        out[length++] = next
    }
    this.#hasCr = hasCr
    this.#hasBlank = hasBlank
    this.#lines = lines
    this.#pass(out, length)
  }

  finish(): void {
    if (this.#hasCr) this.#passLastCr()
    // §3.4.3: one CRLF at the end, in an empty body too; §3.4.4: an empty body stays empty.
    if (!this.#isRelaxed || !this.#isEmpty) this.#take(lineEnds.subarray(0, 2))
  }

  /** Without its LF it is an octet like any other. */
  #passLastCr(): void {
    this.#passLines(this.#lines)
    this.#pass(this.#hasBlank ? blankAndCr : blankAndCr.subarray(1), this.#hasBlank ? 2 : 1)
    this.#hasCr = false
  }

  #pass(out: Uint8Array, length: number): void {
    if (length === 0) return
    this.#isEmpty = false
    this.#take(out.subarray(0, length))
  }

  #passLines(lines: number): void {
    for (let left = 2 * lines; left > 0; left -= lineEnds.length)
      this.#take(lineEnds.subarray(0, Math.min(left, lineEnds.length)))
  }
}

/** No white space that relaxed text has otherwise: no tab, no two blanks, none before the end of a line. */
function isReduced(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0
    if (byte > space || byte === cr || byte === lf) continue
    const next = bytes[index + 1] ?? 0
    if (byte === tab || (byte === space && (next === space || next === cr))) return false
  }
  return true
}

const cr = 0x0d
const lf = 0x0a
const space = 0x20
const tab = 0x09
/** More empty lines than this may have come with earlier pieces. */
const maxLinesInPlace = 8
const lineEnds = Buffer.from('\r\n'.repeat(16_384))
const blankAndCr = Buffer.from(' \r')

let room = new Uint8Array(64 * 1024)

/** For all bodies in turn: a piece is hashed before the next one is looked at. */
function roomFor(length: number): Uint8Array {
  // What was held back of the piece before comes on top: lines, a blank, a CR.
  const needed = length + 2 * maxLinesInPlace + 2
  if (room.length < needed) room = new Uint8Array(needed)
  return room
}
