// Finds lines in the bytes of a client, within the limits of their length (RFC 2449 §4). What is too long is read away up to its end.

export interface ReaderLimits {
  /** With the CRLF; `beginning` is the first octets of it. */
  readonly maxLineBytes: (beginning: string) => number
  readonly maxSkippedBytes: number
}

export type ReaderEvent =
  /** Without its CRLF. */
  | { readonly kind: 'line'; readonly line: Buffer }
  /** Ended by LF alone: a line for some programs and not for others. */
  | { readonly kind: 'bare-line-feed' }
  | { readonly kind: 'too-long'; readonly limit: number }
  /** Its end does not come. */
  | { readonly kind: 'endless'; readonly limit: number }

export interface ReaderStep {
  /** undefined: more bytes are needed. */
  readonly event: ReaderEvent | undefined
  readonly rest: Buffer | undefined
}

const lf = 0x0a
const cr = 0x0d
const beginningOctets = 8

export class LineReader {
  readonly #limits: ReaderLimits
  /** Pieces of a line as they came, joined once. */
  #pieces: Buffer[] = []
  #size = 0
  #beginning = ''
  #skipping: { readonly limit: number; skipped: number } | undefined

  constructor(limits: ReaderLimits) {
    this.#limits = limits
  }

  get isBetweenLines(): boolean {
    return this.#size === 0 && !this.#skipping
  }

  /** `bytes` is not empty. */
  read(bytes: Buffer): ReaderStep {
    const end = bytes.indexOf(lf) + 1
    const piece = end > 0 ? bytes.subarray(0, end) : bytes
    const rest = end > 0 && end < bytes.length ? bytes.subarray(end) : undefined
    if (this.#skipping) return { event: this.#skip(this.#skipping, piece, end > 0), rest }
    this.#pieces.push(piece)
    this.#size += piece.length
    if (this.#beginning.length < beginningOctets)
      this.#beginning += piece.toString('latin1', 0, beginningOctets - this.#beginning.length)
    const limit = this.#limits.maxLineBytes(this.#beginning)
    if (this.#size > limit) {
      const skipping = { limit, skipped: this.#size }
      this.#forget()
      this.#skipping = skipping
      return { event: end > 0 ? this.#skip(skipping, piece, true) : undefined, rest }
    }
    return { event: end > 0 ? this.#endLine() : undefined, rest }
  }

  #skip(
    skipping: { readonly limit: number; skipped: number },
    piece: Buffer,
    isEnd: boolean,
  ): ReaderEvent | undefined {
    const { limit } = skipping
    skipping.skipped += piece.length
    if (isEnd) {
      this.#skipping = undefined
      return { kind: 'too-long', limit }
    }
    return skipping.skipped > this.#limits.maxSkippedBytes ? { kind: 'endless', limit } : undefined
  }

  #endLine(): ReaderEvent {
    const [only, ...others] = this.#pieces
    const whole = only && others.length === 0 ? only : Buffer.concat(this.#pieces)
    this.#forget()
    if (whole[whole.length - 2] !== cr) return { kind: 'bare-line-feed' }
    return { kind: 'line', line: whole.subarray(0, -2) }
  }

  #forget(): void {
    this.#pieces = []
    this.#size = 0
    this.#beginning = ''
  }
}
