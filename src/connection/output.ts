// What goes out to a client: answers to commands that came together go out together, and nothing is made for a client that
// does not read what it has.
import type { Writable } from 'node:stream'

/** So many characters go out together. */
const maxTextLength = 16 * 1024

export interface OutputEvents {
  /** The client does not read what it has. */
  blocked(): void
  /** It has read on, or has gone; called after whoever waited for it. */
  drained(): void
}

export class Output {
  /** The socket, or what compresses for it. */
  #target: Writable
  readonly #events: OutputEvents
  #text = ''
  #isBlocked = false
  #waiting: (() => void)[] = []

  constructor(target: Writable, events: OutputEvents) {
    this.#target = target
    this.#events = events
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

  addText(text: string): void {
    this.#text += text
    if (this.#text.length > maxTextLength && !this.#isBlocked) this.flush()
  }

  /** The bytes have to stay as they are until they are written. */
  addOctets(bytes: Uint8Array): void {
    this.flush()
    this.#write(bytes)
  }

  flush(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.#write(text)
  }

  #write(bytes: string | Uint8Array): void {
    const target = this.#target
    if (target.destroyed || target.writableEnded || target.write(bytes) || this.#isBlocked) return
    this.#isBlocked = true
    this.#events.blocked()
    target.once('drain', () => {
      // What has been put aside by STARTTLS or COMPRESS says nothing of its successor.
      if (target === this.#target) this.release()
    })
  }

  /** Resolves when more may be written, or the client has gone. */
  whenDrained(): Promise<void> {
    return new Promise(resolve => {
      if (this.#isBlocked) this.#waiting.push(resolve)
      else resolve()
    })
  }

  /** Nothing is waited for any more. */
  release(): void {
    this.#isBlocked = false
    for (const resolve of this.#waiting.splice(0)) resolve()
    this.#events.drained()
  }
}
