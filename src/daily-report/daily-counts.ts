// Counts what is reported of a day, and writes it every minute: a kill costs the counts of the last one.
import { createHash } from 'node:crypto'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { type DayOfDomain, dayOf } from './day.ts'

export interface Counted<Outcome> extends DayOfDomain {
  /** The same for the same day, domain and outcome. */
  readonly key: string
  readonly outcome: Outcome
  readonly times: number
}

export interface DailyCountsOptions<Outcome> {
  readonly clock: Clock
  readonly log: Log
  /** For the log: 'TLS connections'. */
  readonly what: string
  write(counts: readonly Counted<Outcome>[]): Promise<void>
}

const writeAfterMs = 60_000
/** So many different ones are not kept longer. */
const maxKept = 1000
/** While the storage is away, more are not counted. */
const maxWaiting = 20_000

type Kept<Outcome> = Omit<Counted<Outcome>, 'key'>

export class DailyCounts<Outcome> {
  readonly #options: DailyCountsOptions<Outcome>
  #counts = new Map<string, Kept<Outcome>>()
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(options: DailyCountsOptions<Outcome>) {
    this.#options = options
  }

  note(domain: string, outcome: Outcome): void {
    const { clock } = this.#options
    const day = dayOf(clock.now())
    this.#add(JSON.stringify([day, domain, JSON.stringify(outcome)]), { day, domain, outcome, times: 1 })
    if (this.#counts.size >= maxKept) void this.flush()
    else this.#timer ??= clock.after(writeAfterMs, () => void this.flush())
  }

  /** Never rejects: what cannot be written now is written later. */
  flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  async #write(): Promise<void> {
    const counts = this.#counts
    if (counts.size === 0) return
    this.#counts = new Map()
    try {
      await this.#options.write(
        [...counts]
          .map(([text, count]) => ({ ...count, key: keyOf(text) }))
          // In one order for all servers: else two that write the same wait for each other.
          .sort((a, b) => compare(a.domain, b.domain) || compare(a.key, b.key)),
      )
    } catch (cause) {
      const { clock, log, what } = this.#options
      log.debug(`counts of ${what} could not be written`, { reason: String(cause) })
      for (const [text, count] of counts) this.#add(text, count)
      this.#timer ??= clock.after(writeAfterMs, () => void this.flush())
    }
  }

  #add(text: string, count: Kept<Outcome>): void {
    const times = this.#counts.get(text)?.times
    if (times === undefined && this.#counts.size >= maxWaiting) return
    this.#counts.set(text, { ...count, times: (times ?? 0) + count.times })
  }
}

function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
