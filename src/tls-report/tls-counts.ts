// Counts what came of TLS with other servers, and writes it every minute: a kill costs the counts of the last one.
import { createHash } from 'node:crypto'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'
import type { TlsEvidence } from '../tls-policy/server-policy.ts'
import { dayOf } from './day.ts'
import { addTlsCounts, type KeyedTlsCount } from './operations.ts'
import { outcomeOf } from './tls-outcome.ts'

export interface TlsCountsOptions {
  readonly storage: Storage
  readonly clock: Clock
  readonly log: Log
}

const writeAfterMs = 60_000
/** So many different ones are not kept longer. */
const maxKept = 1000
/** While the storage is away, more are not counted. */
const maxWaiting = 20_000

export class TlsCounts {
  readonly #options: TlsCountsOptions
  #counts = new Map<string, KeyedTlsCount>()
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(options: TlsCountsOptions) {
    this.#options = options
  }

  note(domain: string, evidence: TlsEvidence): void {
    const { clock } = this.#options
    const day = dayOf(clock.now())
    const outcome = outcomeOf(evidence)
    this.#add({ key: keyOf(day, domain, JSON.stringify(outcome)), day, domain, outcome, sessions: 1 })
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
    const counts = [...this.#counts.values()]
    if (counts.length === 0) return
    this.#counts = new Map()
    try {
      await this.#options.storage.run(addTlsCounts, counts)
    } catch (cause) {
      const { clock, log } = this.#options
      log.debug('counts of TLS connections could not be written', { reason: String(cause) })
      for (const count of counts) this.#add(count)
      this.#timer ??= clock.after(writeAfterMs, () => void this.flush())
    }
  }

  #add(count: KeyedTlsCount): void {
    const sessions = this.#counts.get(count.key)?.sessions
    if (sessions === undefined && this.#counts.size >= maxWaiting) return
    this.#counts.set(count.key, { ...count, sessions: (sessions ?? 0) + count.sessions })
  }
}

function keyOf(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
