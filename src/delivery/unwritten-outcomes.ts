// Outcomes that are known and not yet written down. What has been sent and is not written when a server dies is sent again;
// so with too many of them nothing more is sent, and their number bounds that of the duplicates.

/** Some for each of many connections: so many come together anyway while one commit is under way. */
const most = 200

export class UnwrittenOutcomes {
  #count = 0
  readonly #waiting: (() => void)[] = []

  add(count: number): void {
    this.#count += count
  }

  written(count: number): void {
    this.#count -= count
    // All: each has but one transaction to begin before it asks again.
    if (this.#count < most) for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Undefined: something more may be sent now. */
  room(): Promise<void> | undefined {
    return this.#count < most ? undefined : new Promise(resolve => this.#waiting.push(resolve))
  }
}
