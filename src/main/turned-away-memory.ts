// Whoever is turned away often comes back at once, many times: of these one in a minute goes into the trail.

const quietMs = 60_000
const maxRemembered = 10_000

interface Seen {
  readonly since: number
  untold: number
}

export class TurnedAwayMemory {
  readonly #seen = new Map<string, Seen>()

  /** `word`: the peer and why. How many of the same were not told; undefined: this one is not to be told either. */
  note(word: string, now: number): number | undefined {
    const seen = this.#seen.get(word)
    if (seen && now - seen.since < quietMs) {
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
