// Mail data on its way out: dots doubled at line starts, and every line end a CRLF (RFC 5321 §2.3.8, §4.5.2).
// What this sends can be taken for the end of the data by nobody, whatever their idea of a line end.

const cr = 0x0d
const lf = 0x0a
const dot = 0x2e
const oneCr = Buffer.from('\r')
const oneLf = Buffer.from('\n')
const oneDot = Buffer.from('.')

export class DotStuffer {
  #last = lf

  /** Pieces that together are the chunk as it has to go out. */
  take(chunk: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = []
    let start = 0
    let last = this.#last
    const insert = (at: number, bytes: Uint8Array): void => {
      if (at > start) pieces.push(chunk.subarray(start, at))
      pieces.push(bytes)
      start = at
    }
    const { length } = chunk
    for (let index = 0; index < length; index++) {
      const byte = chunk[index] ?? 0
      if (last === cr && byte !== lf) {
        insert(index, oneLf)
        last = lf
      } else if (byte === lf && last !== cr) insert(index, oneCr)
      if (byte === dot && last === lf) insert(index, oneDot)
      last = byte
    }
    if (start < length) pieces.push(start === 0 ? chunk : chunk.subarray(start))
    this.#last = last
    return pieces
  }

  /** The end of the data: a line end where one is missing, then the dot alone on its line. */
  finish(): string {
    if (this.#last === lf) return '.\r\n'
    return this.#last === cr ? '\n.\r\n' : '\r\n.\r\n'
  }
}
