// What comes again at once, many times (whoever is turned away, or fetches mail that is not there; a disk that is full): one in a
// while is told, with how many there were.
import type { Clock, Timer } from './clock.ts'

const maxRemembered = 10_000

/** `repeated`: how many of the same there were before it that are not told. */
type Tell = (repeated: number) => void

interface Seen {
  /** When it was told. */
  readonly since: number
  /** How many came since. */
  untold: number
  /** Tells the last of them; undefined: none came. */
  tellLast: Tell | undefined
}

export class RepeatMemory {
  readonly #quietMs: number
  readonly #clock: Clock
  /** The one told longest ago is the first. */
  readonly #seen = new Map<string, Seen>()
  #timer: Timer | undefined

  constructor(quietMs: number, clock: Clock) {
    this.#quietMs = quietMs
    this.#clock = clock
  }

  /** `word`: the peer and what it met. `tell` is called at once, or for the last of the same when the quiet time is over. */
  note(word: string, tell: Tell): void {
    const now = this.#clock.now()
    const seen = this.#seen.get(word)
    if (seen && now - seen.since < this.#quietMs) {
      seen.untold++
      seen.tellLast = tell
      this.#waitFor(seen)
      return
    }
    this.#begin(word, now)
    tell(seen?.untold ?? 0)
  }

  /** What is still to be told, at the end. */
  tellRest(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const seen of this.#seen.values()) tellUntold(seen)
    this.#seen.clear()
  }

  #begin(word: string, now: number): void {
    this.#seen.delete(word)
    const [oldest] = this.#seen
    if (oldest && this.#seen.size >= maxRemembered) {
      this.#seen.delete(oldest[0])
      tellUntold(oldest[1])
    }
    this.#seen.set(word, { since: now, untold: 0, tellLast: undefined })
  }

  /** There is a timer only while something is untold. It may ring for one that has been told meanwhile. */
  #waitFor({ since }: Seen): void {
    this.#timer ??= this.#clock.after(Math.max(0, since + this.#quietMs - this.#clock.now()), () => {
      this.#timer = undefined
      this.#tellDue()
    })
  }

  #tellDue(): void {
    const now = this.#clock.now()
    for (const [word, seen] of this.#seen) {
      // Those begun anew here come again at the end.
      if (seen.untold === 0) continue
      if (now - seen.since < this.#quietMs) {
        this.#waitFor(seen)
        return
      }
      tellUntold(seen)
      // Whoever goes on is quiet again as long.
      this.#begin(word, now)
    }
  }
}

function tellUntold({ untold, tellLast }: Seen): void {
  tellLast?.(untold - 1)
}
