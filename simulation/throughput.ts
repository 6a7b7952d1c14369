// How much of its own limit a receiver gets while more waits for it than it takes in a minute.
const minuteMs = 60_000

export class Throughput {
  readonly #perMinute: number
  #waiting = 0
  /** Since when more waits. */
  #since: number | undefined
  #busyMs = 0
  /** Of what waited, in that time. */
  #taken = 0

  constructor(perMinute: number) {
    this.#perMinute = perMinute
  }

  comes(now: number): void {
    this.#waiting++
    if (this.#waiting > this.#perMinute) this.#since ??= now
  }

  /** It was taken, or is not to come any more. */
  goes(now: number, isTaken: boolean): void {
    this.#waiting--
    if (this.#since === undefined) return
    if (isTaken) this.#taken++
    if (this.#waiting > this.#perMinute) return
    this.#busyMs += now - this.#since
    this.#since = undefined
  }

  busyMinutes(now: number): number {
    return (this.#busyMs + (this.#since === undefined ? 0 : now - this.#since)) / minuteMs
  }

  /** Of what it would have taken in that time. */
  partTaken(now: number): number {
    return this.#taken / (this.busyMinutes(now) * this.#perMinute)
  }
}
