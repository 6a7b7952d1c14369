// Trail records that nobody waits for: collected, and dropped when a flood of them comes faster than they are written.
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'
import type { TrailRecord } from '../trail/events.ts'
import { appendTrail } from '../trail/operations.ts'

const maxWaiting = 1000

export class TrailWriter {
  readonly #storage: Storage
  readonly #log: Log
  #waiting: TrailRecord[] = []
  #writing: Promise<void> | undefined
  #dropped = 0

  constructor(storage: Storage, log: Log) {
    this.#storage = storage
    this.#log = log
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
      } catch (cause) {
        this.#log.warn('trail events were lost', { events: records.length, reason: String(cause) })
      }
    }
    if (this.#dropped > 0)
      this.#log.warn('trail events were dropped: too many at once', { events: this.#dropped })
    this.#dropped = 0
    this.#writing = undefined
  }
}
