// Sees, in octets that come in pieces, what text cannot have: NUL, and a CR or LF that stands alone (RFC 2045 §2.8, §2.9).

const bareLineEnd = /\r(?!\n)|(?<!\r)\n/

export class BinaryWatch {
  hasNul = false
  #hasBareLineEnd = false
  /** A CR at the end of a piece, whose LF may come in the next. */
  #carry = ''

  /** Of what is to stay as it is. */
  take(bytes: Uint8Array): void {
    const text = this.#carry + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    const isCut = text.endsWith('\r')
    this.hasNul ||= text.includes('\0')
    this.#hasBareLineEnd ||= bareLineEnd.test(isCut ? text.slice(0, -1) : text)
    this.#carry = isCut ? '\r' : ''
  }

  /** Of text, whose line ends are mended. */
  takeText(bytes: Uint8Array): void {
    this.hasNul ||= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(0)
    this.#carry = bytes.at(-1) === 0x0d ? '\r' : ''
  }

  /** So far, and if nothing more comes. */
  isBinary(): boolean {
    return this.hasNul || this.#hasBareLineEnd
  }
}
