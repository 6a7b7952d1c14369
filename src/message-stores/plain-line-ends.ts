// Lines end with LF in the files of other mail programs: the CR before each goes. One that stands behind another CR stays, with
// both: so every message comes back as it was (src/mail-access/line-ends.ts).

const cr = 0x0d
const lf = 0x0a

export class PlainLineEnds {
  /** The last octet was a CR, and what follows says whether it stays. */
  #isOpen = false
  /** The octet before it was a CR that stayed. */
  #isBehindCr = false

  take(bytes: Uint8Array): Buffer {
    const plain = Buffer.allocUnsafeSlow(bytes.length + 1)
    let length = 0
    for (const byte of bytes) {
      if (this.#isOpen) {
        const stays = byte !== lf || this.#isBehindCr
        if (stays) plain[length++] = cr
        this.#isBehindCr = stays
      } else this.#isBehindCr = false
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
