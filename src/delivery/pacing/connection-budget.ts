// How many connections there may be in all, shared by the lanes to all destinations.

/** Someone who holds connections, and waits for more. */
export interface ConnectionHolder {
  /** Closes a connection that does nothing; false when there is none. The holder gives its place back. */
  closeIdle(): boolean
  /** There is room again. */
  roomAgain(): void
}

/** So much of all is kept for those who have none: whoever is slow keeps what it has for long. */
const keptForNewcomers = 1 / 4

export class ConnectionBudget {
  readonly #max: number
  readonly #open: number
  #used = 0
  readonly #held = new Map<ConnectionHolder, number>()
  readonly #idle = new Set<ConnectionHolder>()
  readonly #waiting = new Set<ConnectionHolder>()

  constructor(max: number) {
    this.#max = max
    this.#open = max - Math.floor(max * keptForNewcomers)
  }

  /** Takes a place, if need be that of a connection that does nothing; else remembers that `holder` waits. */
  take(holder: ConnectionHolder): boolean {
    while (!this.#mayTake(holder)) {
      if (this.#closeOneIdle()) continue
      this.#waiting.add(holder)
      return false
    }
    this.#used++
    this.#held.set(holder, this.#heldBy(holder) + 1)
    return true
  }

  giveBack(holder: ConnectionHolder): void {
    this.#used--
    const held = this.#heldBy(holder) - 1
    if (held > 0) this.#held.set(holder, held)
    else this.#held.delete(holder)
    for (const waiting of this.#waiting) {
      if (this.#used >= this.#max) return
      if (!this.#mayTake(waiting)) continue
      this.#waiting.delete(waiting)
      waiting.roomAgain()
    }
  }

  get someoneWaits(): boolean {
    return this.#waiting.size > 0
  }

  /** Others wait, and have less than it: its turn is over with the message that it is sending. */
  hasMoreThanItsShare(holder: ConnectionHolder): boolean {
    if (this.#waiting.size === 0) return false
    return this.#heldBy(holder) > this.#max / (this.#held.size + this.#waiting.size)
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

  #heldBy(holder: ConnectionHolder): number {
    return this.#held.get(holder) ?? 0
  }

  #mayTake(holder: ConnectionHolder): boolean {
    return this.#used < (this.#heldBy(holder) === 0 ? this.#max : this.#open)
  }

  #closeOneIdle(): boolean {
    for (const holder of this.#idle) if (holder.closeIdle()) return true
    return false
  }
}
