// Lines end with LF in the files of other mail programs: the CR before each goes.

const cr = 0x0d
const lf = 0x0a

export class PlainLineEnds {
  /** The last octet was a CR, and what follows says whether it stays. */
  #isOpen = false

  take(bytes: Uint8Array): Buffer {
    const plain = Buffer.allocUnsafeSlow(bytes.length + 1)
    let length = 0
    for (const byte of bytes) {
      if (this.#isOpen && byte !== lf) plain[length++] = cr
      this.#isOpen = byte === cr
      if (!this.#isOpen) plain[length++] = byte
    }
    return plain.subarray(0, length)
  }

  finish(): Buffer {
    const rest = Buffer.from(this.#isOpen ? [cr] : [])
    this.#isOpen = false
    return rest
  }
}
