// What the limits of a destination leave for now, taken from the database in portions, so that not each message asks it.
import { type Allowed, partOf, type RateLimit, returnAllowance, takeAllowance } from '../queue/allowances.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Storage } from '../storage/operation.ts'
import type { Diagnosis } from './outcome.ts'

export interface AllowanceParts {
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  /** Whose: 'destination gmail'. */
  readonly key: string
  readonly limits: readonly RateLimit[]
  /** Of whom the limits are, in words for people: 'gmail'. */
  readonly name: string
}

export interface Granted {
  readonly granted: number
  /** When there is more, where less was granted than wanted; and why. */
  readonly moreAt?: number | undefined
  readonly diagnosis?: Diagnosis | undefined
}

const maxPortion = 100
/** A portion is a small part of the limit: what one server holds, another cannot have. */
const portionsInLimit = 20

export class Allowance {
  readonly #parts: AllowanceParts
  readonly #portion: number
  /** What is taken counts as used at this time: in the part of the shortest span in which it was taken. */
  readonly #partMs: number
  #left = 0
  #takenAt = 0

  constructor(parts: AllowanceParts) {
    this.#parts = parts
    this.#portion = Math.min(
      maxPortion,
      ...parts.limits.map(({ most }) => Math.max(1, Math.floor(most / portionsInLimit))),
    )
    this.#partMs = Math.min(...parts.limits.map(partOf))
  }

  /** As many of `wanted` as there are. Rejects with a StorageFault when it cannot be asked. */
  async take(wanted: number): Promise<Granted> {
    const { limits } = this.#parts
    if (limits.length === 0) return { granted: wanted }
    // Used later it would be counted too early, and too much could be used in the span that follows.
    if (this.#left > 0 && this.#partAt(this.#takenAt) !== this.#partAt(this.#parts.clock.now()))
      await this.close()
    if (this.#left < wanted) {
      const more = await this.#ask(Math.max(this.#portion, wanted - this.#left))
      if (this.#left === 0)
        return { granted: 0, moreAt: more.moreAt, diagnosis: more.limit && this.#describe(more.limit) }
    }
    const granted = Math.min(wanted, this.#left)
    this.#left -= granted
    return { granted }
  }

  #partAt(time: number): number {
    return Math.floor(time / this.#partMs)
  }

  /** Gives back what was not used. */
  async close(): Promise<void> {
    const { storage, key, limits } = this.#parts
    const unused = this.#left
    this.#left = 0
    if (unused > 0)
      await storage.run(returnAllowance, { allowance: key, limits, unused, takenAt: this.#takenAt })
  }

  async #ask(wanted: number): Promise<Allowed> {
    const { storage, clock, key, limits } = this.#parts
    const now = clock.now()
    const allowed = await storage.run(takeAllowance, { allowance: key, limits, wanted, now })
    this.#left += allowed.granted
    this.#takenAt = now
    return allowed
  }

  #describe(limit: RateLimit): Diagnosis {
    return {
      stage: 'routing',
      cause: 'own-limit',
      status: '4.3.2',
      detail: `the limit of this server for ${this.#parts.name} is used up: ${describeLimit(limit)}`,
    }
  }
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
