// Lines end with CRLF in mail (RFC 5322 §2.1): what programs append with LF alone is taken, and kept as mail.

const cr = 0x0d
const lf = 0x0a

export class LineEnds {
  #last = 0

  /** The same: nothing of it is mended. */
  keep(bytes: Uint8Array): Uint8Array {
    this.#last = bytes.at(-1) ?? this.#last
    return bytes
  }

  /** The same, with CR before each LF that has none. */
  take(bytes: Uint8Array): Uint8Array {
    let missing = 0
    let before = this.#last
    for (const byte of bytes) {
      if (byte === lf && before !== cr) missing++
      before = byte
    }
    if (missing === 0) {
      this.#last = before
      return bytes
    }
    const mended = new Uint8Array(bytes.length + missing)
    let length = 0
    before = this.#last
    for (const byte of bytes) {
      if (byte === lf && before !== cr) mended[length++] = cr
      mended[length++] = byte
      before = byte
    }
    this.#last = before
    return mended
  }
}
