// What the limits of a destination leave for now, taken from the database in portions, so that not each message asks it.
import {
  type Allowed,
  partOf,
  type RateLimit,
  returnAllowance,
  takeAllowance,
} from '../../queue/allowances.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Storage } from '../../storage/operation.ts'
import type { Diagnosis } from '../outcome.ts'

export interface Limit extends RateLimit {
  /** Why it is there, where the settings do not say it. */
  readonly because?: string | undefined
  /** When another one takes its place; ms since 1970. */
  readonly endsAt?: number | undefined
}

export interface AllowanceParts {
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  /** Whose: 'destination gmail'. */
  readonly key: string
  /** Those of this moment. Rejects with a StorageFault when they cannot be found out. */
  readonly limitsNow: () => readonly Limit[] | Promise<readonly Limit[]>
  /** Of whom the limits are, in words for people: 'gmail'. */
  readonly name: string
}

export interface Granted {
  readonly granted: number
  /** When it was taken from the database. */
  readonly takenAt: number
  /** When there is more, where less was granted than wanted; and why. */
  readonly moreAt?: number | undefined
  readonly diagnosis?: Diagnosis | undefined
}

const maxPortion = 100
/** A portion is a small part of the limit: what one server holds, another cannot have. */
const portionsInLimit = 20

export class Allowance {
  readonly #parts: AllowanceParts
  #limits: readonly Limit[] = []
  #left = 0
  #takenAt = 0
  #lastTaken: Promise<unknown> = Promise.resolve()

  constructor(parts: AllowanceParts) {
    this.#parts = parts
  }

  /** As many of `wanted` as there are. Rejects with a StorageFault when it cannot be asked. */
  async take(wanted: number): Promise<Granted> {
    this.#limits = strictest(await this.#parts.limitsNow())
    if (this.#limits.length === 0) return { granted: wanted, takenAt: this.#parts.clock.now() }
    // In the order of asking: who has a connection asks before who would have to open one.
    const taken = this.#lastTaken.then(() => this.#take(wanted))
    this.#lastTaken = taken.catch(() => {})
    return await taken
  }

  async #take(wanted: number): Promise<Granted> {
    // Used later it would be counted too early, and too much could be used in the span that follows.
    if (this.#left > 0 && this.#partAt(this.#takenAt) !== this.#partAt(this.#parts.clock.now()))
      await this.close()
    if (this.#left < wanted) {
      const more = await this.#ask(Math.max(this.#portion, wanted - this.#left))
      if (this.#left === 0) return { granted: 0, takenAt: this.#takenAt, ...this.#explain(more) }
    }
    const granted = Math.min(wanted, this.#left)
    this.#left -= granted
    return { granted, takenAt: this.#takenAt }
  }

  /** What was granted a moment ago and is not used after all: for whoever asks next. */
  putBack(unused: number): void {
    if (this.#limits.length > 0) this.#left += unused
  }

  get #portion(): number {
    return Math.min(
      maxPortion,
      ...this.#limits.map(({ most }) => Math.max(1, Math.floor(most / portionsInLimit))),
    )
  }

  /** What is taken counts as used in the part of the shortest span in which it was taken. */
  #partAt(time: number): number {
    return Math.floor(time / Math.min(...this.#limits.map(partOf)))
  }

  /** Gives back what was not used. */
  async close(): Promise<void> {
    const unused = this.#left
    this.#left = 0
    await this.giveBack(unused, this.#takenAt)
  }

  /** What was taken then, and is not used. Rejects with a StorageFault. */
  async giveBack(unused: number, takenAt: number): Promise<void> {
    const { storage, key } = this.#parts
    const limits = this.#limits
    if (unused > 0) await storage.run(returnAllowance, { allowance: key, limits, unused, takenAt })
  }

  async #ask(wanted: number): Promise<Allowed> {
    const { storage, clock, key } = this.#parts
    const limits = this.#limits
    const now = clock.now()
    const allowed = await storage.run(takeAllowance, { allowance: key, limits, wanted, now })
    this.#left += allowed.granted
    this.#takenAt = now
    return allowed
  }

  #explain({ moreAt, limit: usedUp }: Allowed): Omit<Granted, 'granted' | 'takenAt'> {
    const limit = this.#limits.find(({ spanMs }) => spanMs === usedUp?.spanMs)
    if (!limit || moreAt === undefined) return { moreAt }
    const until = Math.min(moreAt, limit.endsAt ?? moreAt)
    return {
      moreAt: until,
      diagnosis: {
        stage: 'routing',
        cause: 'own-limit',
        status: '4.3.2',
        detail: this.#describe(limit, until),
      },
    }
  }

  #describe(limit: Limit, until: number): string {
    const { name } = this.#parts
    return limit.because === undefined
      ? `the limit of this server for ${name} is used up: ${describeLimit(limit)}`
      : `${limit.because}, ${describeLimit(limit)} to ${name}; more from ${formatDate(until)}`
  }
}

/** What is used is counted once for each span, so that of several for one span the smallest tells. */
export function strictest(limits: readonly Limit[]): readonly Limit[] {
  const spans = Map.groupBy(limits, ({ spanMs }) => spanMs)
  return [...spans.values()].map(same =>
    same.reduce((least, limit) => (limit.most < least.most ? limit : least)),
  )
}

/** '2026-11-26 10:30 UTC' */
function formatDate(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

const spans: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'a day'],
  [3_600_000, 'an hour'],
  [60_000, 'a minute'],
  [1000, 'a second'],
]

/** '150 a day' */
export function describeLimit({ most, spanMs }: RateLimit): string {
  const span = spans.find(([ms]) => ms === spanMs)
  return `${most} ${most === 1 ? 'recipient' : 'recipients'} ${span ? span[1] : `in ${spanMs / 1000} seconds`}`
}
