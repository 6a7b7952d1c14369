// Whoever has logged in, for as long as he is there: when his log-in would not be one any more, his session is told, once. Each is
// looked at when it has begun, when the directory has changed, and when what it was proven by runs out; many at once.
import { DeadlineWatch } from '../connection/deadline-watch.ts'
import type { ProvenAccount } from '../directory/authenticate.ts'
import { judgeLogIns, type LogIn, type LogInStanding, logInsAtOnce } from '../directory/log-in-standing.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'

/** So late an end may be noticed that nobody tells. */
const lateMs = 1000
const againMs = 5000

export interface LoginWatchParts {
  readonly storage: Pick<Storage, 'run' | 'onWake'>
  readonly clock: Clock
  readonly log: Log
}

interface Watched {
  readonly logIn: LogIn
  readonly ended: () => void
  /** ms since 1970 */
  until: number
}

export class LoginWatch {
  readonly #parts: LoginWatchParts
  readonly #watched = new Set<Watched>()
  /** Those to look at. */
  readonly #due = new Set<Watched>()
  readonly #deadlines: DeadlineWatch
  readonly #trouble: LastingTrouble
  #isLooking = false

  constructor(parts: LoginWatchParts) {
    this.#parts = parts
    this.#deadlines = new DeadlineWatch(parts.clock, lateMs, now => this.#expire(now))
    this.#trouble = new LastingTrouble(parts.log, {
      begins: 'whether those who are logged in may still be cannot be found out; they go on meanwhile',
      ends: 'those who are logged in have been looked at again',
    })
    parts.storage.onWake('directory', () => this.#lookAt(this.#watched))
  }

  /** `ended` is called once at most, and not before this returns; what is returned ends the watch. */
  watch({ id, address, outside, proof }: ProvenAccount, ended: () => void): () => void {
    const logIn = { accountId: id, address, isOutside: outside !== undefined, proof }
    const watched: Watched = { logIn, ended, until: Number.POSITIVE_INFINITY }
    this.#watched.add(watched)
    // The directory may have changed since it was asked for the log-in.
    this.#lookAt([watched])
    return () => this.#forget(watched)
  }

  #forget(watched: Watched): void {
    this.#watched.delete(watched)
    this.#due.delete(watched)
    if (this.#watched.size === 0) this.#deadlines.stop()
  }

  #lookAt(all: Iterable<Watched>): void {
    for (const watched of all) this.#due.add(watched)
    if (this.#isLooking || this.#due.size === 0) return
    this.#isLooking = true
    this.#look().then(
      () => {
        this.#isLooking = false
        this.#trouble.over()
      },
      (cause: unknown) => {
        this.#trouble.hit(cause)
        this.#parts.clock.after(againMs, () => {
          this.#isLooking = false
          this.#lookAt([])
        })
      },
    )
  }

  async #look(): Promise<void> {
    const { storage, clock } = this.#parts
    while (this.#due.size > 0) {
      const some = [...this.#due].slice(0, logInsAtOnce)
      // Before they are asked for: whoever is woken meanwhile is looked at once more.
      for (const watched of some) this.#due.delete(watched)
      try {
        const logIns = some.map(({ logIn }) => logIn)
        const found = await storage.run(judgeLogIns, { logIns, now: clock.now() })
        for (const [index, watched] of some.entries()) this.#settle(watched, found[index])
      } catch (cause) {
        for (const watched of some) if (this.#watched.has(watched)) this.#due.add(watched)
        throw cause
      }
    }
  }

  #settle(watched: Watched, standing: LogInStanding | undefined): void {
    if (!this.#watched.has(watched)) return
    if (standing?.stands !== true) {
      this.#forget(watched)
      watched.ended()
      return
    }
    watched.until = standing.until ?? Number.POSITIVE_INFINITY
    if (watched.until !== Number.POSITIVE_INFINITY) this.#deadlines.expect(watched.until)
  }

  /** The first end that is left. */
  #expire(now: number): number {
    const over = [...this.#watched].filter(({ until }) => until <= now)
    for (const watched of over) watched.until = Number.POSITIVE_INFINITY
    // It may have been given more time.
    this.#lookAt(over)
    let first = Number.POSITIVE_INFINITY
    for (const { until } of this.#watched) first = Math.min(first, until)
    return first
  }
}
