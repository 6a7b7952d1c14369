// How many connections there may be in all, shared by the lanes to all destinations.

/** Someone who holds connections, and waits for more. */
export interface ConnectionHolder {
  /** Closes a connection that does nothing; false when there is none. The holder gives its place back. */
  closeIdle(): boolean
  /** There is room again. */
  roomAgain(): void
}

export class ConnectionBudget {
  readonly #max: number
  #used = 0
  readonly #idle = new Set<ConnectionHolder>()
  readonly #waiting = new Set<ConnectionHolder>()

  constructor(max: number) {
    this.#max = max
  }

  /** Takes a place, if need be that of a connection that does nothing; else remembers that `holder` waits. */
  take(holder: ConnectionHolder): boolean {
    if (this.#used >= this.#max) this.#closeOneIdle()
    if (this.#used < this.#max) {
      this.#used++
      return true
    }
    this.#waiting.add(holder)
    return false
  }

  giveBack(): void {
    this.#used--
    for (const holder of this.#waiting) {
      if (this.#used >= this.#max) return
      this.#waiting.delete(holder)
      holder.roomAgain()
    }
  }

  get someoneWaits(): boolean {
    return this.#waiting.size > 0
  }

  hasIdle(holder: ConnectionHolder): void {
    this.#idle.add(holder)
  }

  hasNoIdle(holder: ConnectionHolder): void {
    this.#idle.delete(holder)
  }

  get holdersWithIdle(): Iterable<ConnectionHolder> {
    return this.#idle
  }

  #closeOneIdle(): void {
    for (const holder of this.#idle) if (holder.closeIdle()) return
  }
}
