// The beginning of a message, for TOP (RFC 1939 §7): the header section, the empty line, and so many lines of the body.

const lf = 0x0a
const cr = 0x0d

export class TopReader {
  /** Of the body; undefined: the header section is not over. */
  #linesLeft: number | undefined
  readonly #lines: number
  /** Of the line that is being read, without its CR. */
  #isEmptyLine = true
  isOver = false

  constructor(lines: number) {
    this.#lines = lines
  }

  /** As much of the chunk as belongs to it. */
  take(chunk: Uint8Array): Uint8Array {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]
      if (byte !== lf) {
        if (byte !== cr) this.#isEmptyLine = false
        // The rest of the line says nothing more.
        if (!this.#isEmptyLine) at = lastBefore(chunk, at)
        continue
      }
      this.#endLine()
      if (this.isOver) return chunk.subarray(0, at + 1)
    }
    return chunk
  }

  #endLine(): void {
    if (this.#linesLeft !== undefined) this.#linesLeft--
    else if (this.#isEmptyLine) this.#linesLeft = this.#lines
    this.#isEmptyLine = true
    if (this.#linesLeft === 0) this.isOver = true
  }
}

/** The place before the next LF, or the last one. */
function lastBefore(chunk: Uint8Array, from: number): number {
  const end = chunk.indexOf(lf, from)
  return (end < 0 ? chunk.length : end) - 1
}
