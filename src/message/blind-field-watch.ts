// Looks for a blind copy field that a broken line hides (RFC 5322 §3.6.3, §3.6.6).

const lf = 0x0a
const cr = 0x0d
const colon = 0x3a
const names: ReadonlySet<string> = new Set(['bcc', 'resent-bcc'])
const maxNameLength = 10

export function isBlindField(name: string): boolean {
  return names.has(name.toLowerCase())
}

/**
 * A line that is no field ends the header section; a Bcc behind it would be sent to everybody. Takes the text from that
 * line on, in whatever pieces it comes, up to the empty line that ends what may have been meant for fields.
 */
export class BlindFieldWatch {
  /** What the line begins with; undefined when it is no blind field. */
  #name: string | undefined = ''
  #isBehindName = false

  /** 'over': there is none. */
  take(piece: Uint8Array): 'found' | 'more' | 'over' {
    for (let index = 0; index < piece.length; index++) {
      if (this.#name === undefined) {
        index = piece.indexOf(lf, index)
        if (index < 0) break
        this.#startLine()
        continue
      }
      const byte = piece[index] ?? 0
      if (byte === lf && this.#name === '') return 'over'
      if (byte === colon && isBlindField(this.#name)) return 'found'
      if (byte === lf) this.#startLine()
      else this.#addToName(byte)
    }
    return 'more'
  }

  #startLine(): void {
    this.#name = ''
    this.#isBehindName = false
  }

  #addToName(byte: number): void {
    const name = this.#name ?? ''
    const isBlank = byte === 0x20 || byte === 0x09
    if (byte === cr && name === '') return
    if (isBlank && name !== '') this.#isBehindName = true
    else if (isBlank || this.#isBehindName || name.length === maxNameLength) this.#name = undefined
    else this.#name = name + String.fromCharCode(byte)
  }
}
