// Terminals: live sessions that users have opened, where SEND, SOML and SAML show mail (RFC 821 §3.4).
// The main thread owns them; fronts ask whether one is open, the delivery thread shows text on them.

/** What a front needs: an address as `addressKey` gives it. */
export interface TerminalPresence {
  isOpen(key: string): boolean
}

/** What delivery needs: true when at least one terminal of the address has shown the text. */
export interface TerminalDelivery {
  show(key: string, text: string): Promise<boolean>
}

export interface Terminal {
  show(text: string): Promise<boolean>
}

export class Terminals implements TerminalPresence, TerminalDelivery {
  readonly #open = new Map<string, Set<Terminal>>()
  readonly #changed: (keys: readonly string[]) => void

  constructor(changed: (keys: readonly string[]) => void = () => {}) {
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
    const shown = await Promise.all([...(this.#open.get(key) ?? [])].map(terminal => terminal.show(text)))
    return shown.includes(true)
  }
}
