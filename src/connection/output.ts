// What goes out to a client: answers to commands that came together go out together (RFC 2920 §3.2), and nothing is made for a client
// that does not read what it has.
import type { Writable } from 'node:stream'

/** So many characters go out together. */
const maxTextLength = 16 * 1024
/** Octets that are fewer are copied, to go out with the texts around them. */
const copiedBytes = 16 * 1024
const gatheredBytes = 64 * 1024
/** Of a character in UTF-8, by the units of a string. */
const bytesPerUnit = 3

export interface OutputOwner {
  /** The client does not read what it has. */
  outputBlocked(): void
  /** It has read on, or has gone; called after whoever waited for it. */
  outputDrained(): void
}

export class Output {
  /** The socket, or what compresses for it. */
  #target: Writable
  readonly #owner: OutputOwner
  /** Behind what is gathered. */
  #text = ''
  /** While octets and texts are gathered; whoever has written it does not get it back. */
  #gathered: Buffer | undefined
  #filled = 0
  #isBlocked = false
  #waiting: (() => void)[] | undefined

  constructor(target: Writable, owner: OutputOwner) {
    this.#target = target
    this.#owner = owner
  }

  /** Another one after STARTTLS or COMPRESS. */
  redirect(target: Writable): void {
    this.flush()
    this.#target = target
    this.#isBlocked = false
  }

  get isBlocked(): boolean {
    return this.#isBlocked
  }

  /** Nothing is left to be written. */
  get isEmpty(): boolean {
    return this.#text === '' && this.#filled === 0
  }

  addText(text: string): void {
    this.#text += text
    if (this.#text.length > maxTextLength && !this.#isBlocked) this.flush()
  }

  /** The bytes have to stay as they are until they are written. */
  addOctets(bytes: Uint8Array): void {
    if (bytes.length > copiedBytes) {
      this.flush()
      this.#write(bytes)
    } else {
      this.#gatherText()
      this.#roomFor(bytes.length).set(bytes, this.#filled)
      this.#filled += bytes.length
    }
  }

  flush(): void {
    if (this.#gathered) {
      this.#gatherText()
      this.#writeGathered()
    }
    const text = this.#text
    this.#text = ''
    if (text !== '') this.#write(text)
  }

  #gatherText(): void {
    const text = this.#text
    this.#text = ''
    if (text === '') return
    if (text.length * bytesPerUnit > gatheredBytes) {
      this.#writeGathered()
      this.#write(text)
    } else {
      const room = this.#roomFor(text.length * bytesPerUnit)
      this.#filled += room.write(text, this.#filled)
    }
  }

  /** What is gathered, with so much room behind it. */
  #roomFor(bytes: number): Buffer {
    if (this.#filled + bytes > gatheredBytes) this.#writeGathered()
    this.#gathered ??= Buffer.allocUnsafeSlow(gatheredBytes)
    return this.#gathered
  }

  #writeGathered(): void {
    const gathered = this.#gathered
    const filled = this.#filled
    this.#gathered = undefined
    this.#filled = 0
    if (gathered && filled > 0) this.#write(gathered.subarray(0, filled))
  }

  #write(bytes: string | Uint8Array): void {
    const target = this.#target
    if (target.destroyed || target.writableEnded || target.write(bytes) || this.#isBlocked) return
    this.#isBlocked = true
    this.#owner.outputBlocked()
    target.once('drain', () => {
      // What has been put aside by STARTTLS or COMPRESS says nothing of its successor.
      if (target === this.#target) this.release()
    })
  }

  /** Resolves when more may be written, or the client has gone. */
  whenDrained(): Promise<void> {
    return new Promise(resolve => {
      if (this.#isBlocked) (this.#waiting ??= []).push(resolve)
      else resolve()
    })
  }

  /** Nothing is waited for any more. */
  release(): void {
    this.#isBlocked = false
    const waiting = this.#waiting
    this.#waiting = undefined
    for (const resolve of waiting ?? []) resolve()
    this.#owner.outputDrained()
  }
}
