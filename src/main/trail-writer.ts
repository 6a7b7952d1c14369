// Trail records that nobody waits for: collected, and dropped when a flood of them comes faster than they are written.
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'
import type { TrailRecord } from '../trail/events.ts'
import { appendTrail } from '../trail/operations.ts'

const maxWaiting = 1000

export class TrailWriter {
  readonly #storage: Storage
  readonly #log: Log
  readonly #trouble: LastingTrouble
  #waiting: TrailRecord[] = []
  #writing: Promise<void> | undefined
  #dropped = 0

  constructor(storage: Storage, log: Log) {
    this.#storage = storage
    this.#log = log
    this.#trouble = new LastingTrouble(log, {
      begins: 'trail events are lost',
      ends: 'trail events are written again',
    })
  }

  append(record: TrailRecord): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#dropped++
      return
    }
    this.#waiting.push(record)
    this.#writing ??= this.#write()
  }

  async flush(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const records = this.#waiting
      this.#waiting = []
      try {
        await this.#storage.run(appendTrail, records)
        this.#trouble.over()
      } catch (cause) {
        this.#trouble.hit(cause, '', { events: records.length })
      }
    }
    if (this.#dropped > 0)
      this.#log.warn('trail events were dropped: too many at once', { events: this.#dropped })
    this.#dropped = 0
    this.#writing = undefined
  }
}
