// A message on its way out as a multi-line response (RFC 1939 §3): a line that begins with a dot gets another one.

const lf = 0x0a
const cr = 0x0d
const dot = 0x2e
const oneDot = Buffer.from('.')

export class DotStuffer {
  #last = lf
  #beforeLast = cr

  /** Pieces that together are the chunk as it has to go out: parts of it, not copies. */
  take(chunk: Uint8Array): Uint8Array[] {
    const { length } = chunk
    if (length === 0) return []
    const pieces: Uint8Array[] = []
    let start = 0
    // Behind a bare LF too: a client that takes it for the end of a line must not take what follows for the end of all.
    const stuff = (at: number): void => {
      if (at > start) pieces.push(chunk.subarray(start, at))
      pieces.push(oneDot)
      start = at
    }
    if (this.#last === lf && chunk[0] === dot) stuff(0)
    for (let at = chunk.indexOf(lf); at >= 0; at = chunk.indexOf(lf, at + 1))
      if (chunk[at + 1] === dot) stuff(at + 1)
    pieces.push(start === 0 ? chunk : chunk.subarray(start))
    this.#beforeLast = length > 1 ? (chunk[length - 2] ?? 0) : this.#last
    this.#last = chunk[length - 1] ?? 0
    return pieces
  }

  /** The end: a line end where one is missing, then the dot alone on its line. */
  finish(): string {
    return this.#last === lf && this.#beforeLast === cr ? '.\r\n' : '\r\n.\r\n'
  }
}
