// Answers that are remembered for as long as their servers allow; bounded, the oldest go first.
import type { Clock } from '../runtime/clock.ts'
import type { Answer } from './answer.ts'

const maxEntries = 10_000

export class DnsCache {
  readonly #clock: Clock
  readonly #entries = new Map<string, { readonly answer: Answer<unknown>; readonly until: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  find(key: string): Answer<unknown> | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    if (entry.until > this.#clock.now()) return entry.answer
    this.#entries.delete(key)
    return undefined
  }

  keep(key: string, answer: Answer<unknown>, ttlMs: number): void {
    if (ttlMs <= 0) return
    this.#entries.delete(key)
    this.#entries.set(key, { answer, until: this.#clock.now() + ttlMs })
    if (this.#entries.size <= maxEntries) return
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }
}
