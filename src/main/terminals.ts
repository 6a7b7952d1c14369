// Terminals: live sessions that users have opened, where SEND, SOML and SAML show mail (RFC 821 §3.4).
// The main thread owns them; fronts ask whether one is open, the delivery thread shows text on them.
import type { TerminalDisplay } from '../delivery/local-delivery.ts'
import type { OpenTerminals } from '../policy/check-forward-path.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'

export interface Terminal {
  show(text: string): Promise<boolean>
}

const showTimeoutMs = 10_000

export class Terminals implements OpenTerminals, TerminalDisplay {
  readonly #open = new Map<string, Set<Terminal>>()
  readonly #changed: (keys: readonly string[]) => void

  readonly #clock: Clock

  constructor(changed: (keys: readonly string[]) => void = () => {}, clock = systemClock) {
    this.#clock = clock
    this.#changed = changed
  }

  get keys(): readonly string[] {
    return [...this.#open.keys()]
  }

  open(key: string, terminal: Terminal): void {
    const terminals = this.#open.get(key)
    if (terminals) terminals.add(terminal)
    else this.#open.set(key, new Set([terminal]))
    this.#changed(this.keys)
  }

  close(key: string, terminal: Terminal): void {
    const terminals = this.#open.get(key)
    if (!terminals?.delete(terminal)) return
    if (terminals.size === 0) this.#open.delete(key)
    this.#changed(this.keys)
  }

  isOpen(key: string): boolean {
    return this.#open.has(key)
  }

  async show(key: string, text: string): Promise<boolean> {
    const terminals = [...(this.#open.get(key) ?? [])]
    const shown = await Promise.all(terminals.map(terminal => this.#inTime(terminal.show(text))))
    return shown.includes(true)
  }

  /** A terminal that has been stopped (Ctrl-S, Ctrl-Z) answers nobody: the message must not wait for it. */
  #inTime(showing: Promise<boolean>): Promise<boolean> {
    return new Promise(resolve => {
      const timer = this.#clock.after(showTimeoutMs, () => resolve(false))
      void showing.then(shown => {
        timer.cancel()
        resolve(shown)
      })
    })
  }
}
