// One timer for the deadlines of all connections: it runs when the first of them is over, so a server on which nothing
// happens does nothing. Deadlines that move on are found out when it runs, which costs nothing meanwhile.
import type { Clock, Timer } from '../runtime/clock.ts'

const longestWaitMs = 60_000

export class DeadlineWatch {
  readonly #clock: Clock
  readonly #coarseMs: number
  readonly #expire: (now: number) => number
  #timer: Timer | undefined
  #runsAt = Number.POSITIVE_INFINITY

  /**
   * `expire` ends what is over at `now`, and returns the first deadline that is left, or Infinity. It is called up to
   * `coarseMs` late, and not more often; up to a minute late when the clock is set forward.
   */
  constructor(clock: Clock, coarseMs: number, expire: (now: number) => number) {
    this.#clock = clock
    this.#coarseMs = coarseMs
    this.#expire = expire
  }

  /** A deadline has been set, in ms since 1970. */
  expect(deadline: number): void {
    if (deadline >= this.#runsAt) return
    const now = this.#clock.now()
    const coarseWaitMs = Math.max(1, Math.ceil((deadline - now) / this.#coarseMs)) * this.#coarseMs
    // A clock that is set back makes a deadline seem far away, farther than a timer can wait.
    const waitMs = Math.min(coarseWaitMs, longestWaitMs)
    if (now + waitMs >= this.#runsAt) return
    this.#timer?.cancel()
    this.#runsAt = now + waitMs
    this.#timer = this.#clock.after(waitMs, () => this.run())
  }

  run(): void {
    this.stop()
    let next = Number.NEGATIVE_INFINITY
    try {
      next = this.#expire(this.#clock.now())
    } finally {
      // After a failure too there is a next time.
      this.expect(next)
    }
  }

  stop(): void {
    this.#timer?.cancel()
    this.#runsAt = Number.POSITIVE_INFINITY
  }
}
