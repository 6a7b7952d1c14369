// Whoever is turned away often comes back at once, many times, and so does who fetches mail that is not there: of these one in
// a while goes into the trail.

const maxRemembered = 10_000

interface Seen {
  readonly since: number
  untold: number
}

export class RepeatMemory {
  readonly #quietMs: number
  readonly #seen = new Map<string, Seen>()

  constructor(quietMs: number) {
    this.#quietMs = quietMs
  }

  /** `word`: the peer and what it met. How many of the same were not told; undefined: this one is not to be told either. */
  note(word: string, now: number): number | undefined {
    const seen = this.#seen.get(word)
    if (seen && now - seen.since < this.#quietMs) {
      seen.untold++
      return undefined
    }
    this.#seen.delete(word)
    // The one told longest ago is the first.
    const [oldest] = this.#seen.keys()
    if (oldest !== undefined && this.#seen.size >= maxRemembered) this.#seen.delete(oldest)
    this.#seen.set(word, { since: now, untold: 0 })
    return seen?.untold ?? 0
  }
}
