// Log-ins that are being looked at: no more at a time than may still fail. Else whoever sends many passwords at once has all of them
// looked at before the first has been counted.

/** How many more failures there may be of one kind. */
export interface LoginRoom {
  readonly key: string
  readonly left: number
}

export class LoginTurns {
  readonly #underWay = new Map<string, number>()
  readonly #waiting = new Map<string, Set<() => void>>()

  /**
   * Resolves when it may be looked at; what is returned is called when that is done. `rooms` says what there is at the moment: where
   * there is none at all the log-in is to be refused, and waits for nobody.
   */
  async begin(rooms: () => readonly LoginRoom[]): Promise<() => void> {
    let woken: string | undefined
    for (;;) {
      const all = rooms()
      const isClosed = all.some(({ left }) => left <= 0)
      const crowded = isClosed ? undefined : all.find(({ key, left }) => this.#countOf(key) >= left)
      // Each end wakes one: whoever does not wait for the same any more hands that on.
      if (woken !== undefined && woken !== crowded?.key) this.#wake(woken)
      if (!crowded) return this.#take(new Set(isClosed ? [] : all.map(({ key }) => key)))
      await this.#wait(crowded.key)
      woken = crowded.key
    }
  }

  #countOf(key: string): number {
    return this.#underWay.get(key) ?? 0
  }

  #take(keys: ReadonlySet<string>): () => void {
    for (const key of keys) this.#underWay.set(key, this.#countOf(key) + 1)
    return () => {
      for (const key of keys) {
        const left = this.#countOf(key) - 1
        if (left > 0) this.#underWay.set(key, left)
        else this.#underWay.delete(key)
        this.#wake(key)
      }
    }
  }

  async #wait(key: string): Promise<void> {
    const waiting = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiting)
    await new Promise<void>(resolve => waiting.add(resolve))
  }

  #wake(key: string): void {
    const waiting = this.#waiting.get(key)
    const [first] = waiting ?? []
    if (!waiting || !first) return
    waiting.delete(first)
    if (waiting.size === 0) this.#waiting.delete(key)
    first()
  }
}
