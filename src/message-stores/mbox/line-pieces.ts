// Cuts octets that come in chunks into lines. A line that is longer than a chunk comes in pieces, the first of them long enough to
// see what it begins with.

export interface LinePiece {
  /** In the file. */
  readonly offset: number
  /** With the LF at its end, where that has come. Parts of what was taken: neighbours lie side by side. */
  readonly bytes: Buffer
  readonly beginsLine: boolean
  readonly endsLine: boolean
}

const lf = 0x0a
const cr = 0x0d
/** So much of a line is in its first piece, unless it is shorter. */
export const headBytes = 1024

export class LinePieces {
  #kept: Buffer = Buffer.alloc(0)
  #offset: number
  #isInLine = false

  constructor(offset: number) {
    this.#offset = offset
  }

  *take(chunk: Buffer): Generator<LinePiece> {
    const bytes = this.#kept.length > 0 ? Buffer.concat([this.#kept, chunk]) : chunk
    this.#kept = Buffer.alloc(0)
    let at = 0
    while (at < bytes.length) {
      const end = bytes.indexOf(lf, at)
      if (end < 0) break
      yield this.#piece(bytes.subarray(at, end + 1), true)
      at = end + 1
    }
    const rest = bytes.subarray(at)
    if (rest.length === 0) return
    if (this.#isInLine || rest.length >= headBytes) yield this.#piece(rest, false)
    else this.#kept = rest
  }

  *finish(): Generator<LinePiece> {
    if (this.#kept.length > 0) yield this.#piece(this.#kept, true)
    this.#kept = Buffer.alloc(0)
  }

  #piece(bytes: Buffer, endsLine: boolean): LinePiece {
    const piece = { offset: this.#offset, bytes, beginsLine: !this.#isInLine, endsLine }
    this.#offset += bytes.length
    this.#isInLine = !endsLine
    return piece
  }
}

export function isBlankLine({ bytes, beginsLine }: LinePiece): boolean {
  if (!beginsLine) return false
  return bytes[0] === lf || (bytes[0] === cr && bytes[1] === lf)
}

/** Neighbouring pieces as one: whoever takes them has fewer to take. */
export class Joined {
  readonly #out: (bytes: Buffer) => void
  #open: Buffer | undefined

  constructor(out: (bytes: Buffer) => void) {
    this.#out = out
  }

  add(bytes: Buffer): void {
    const open = this.#open
    if (open && open.buffer === bytes.buffer && open.byteOffset + open.length === bytes.byteOffset)
      this.#open = Buffer.from(open.buffer, open.byteOffset, open.length + bytes.length)
    else {
      this.flush()
      this.#open = bytes
    }
  }

  flush(): void {
    if (this.#open) this.#out(this.#open)
    this.#open = undefined
  }
}
