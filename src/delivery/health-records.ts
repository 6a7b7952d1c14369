// What is known of destinations beyond a restart: which are closed, and how often in a row.
import { listDestinationHealth, noteDestinationHealth } from '../queue/destination-health.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'
import { type HealthRecord, isUnremarkable } from './destination-health.ts'

/** By destination: 'gmail', 'mx1.example.org mx2.example.org'. Rejects with a StorageFault. */
export async function readHealthRecords(storage: Pick<Storage, 'run'>): Promise<Map<string, HealthRecord>> {
  const rows = await storage.run(listDestinationHealth, undefined)
  return new Map(rows.map(({ destination, health }) => [destination, JSON.parse(health) as HealthRecord]))
}

export class HealthRecords {
  readonly #parts: { readonly storage: Pick<Storage, 'run'>; readonly clock: Clock; readonly log: Log }
  readonly #known = new Map<string, HealthRecord>()

  constructor(parts: { readonly storage: Pick<Storage, 'run'>; readonly clock: Clock; readonly log: Log }) {
    this.#parts = parts
  }

  /** Rejects with a StorageFault. */
  async start(): Promise<void> {
    for (const [destination, record] of await readHealthRecords(this.#parts.storage))
      this.#known.set(destination, record)
  }

  of(destination: string): HealthRecord | undefined {
    return this.#known.get(destination)
  }

  keep(destination: string, record: HealthRecord): void {
    const { clock, log, storage } = this.#parts
    const { closure } = record
    const isForgettable = isUnremarkable(record)
    if (isForgettable && !this.#known.has(destination)) return
    if (closure?.reason === 'suspended' && this.#known.get(destination)?.closure?.reason !== 'suspended')
      log.error(
        'a destination refuses mail from this server because of its name; nothing is sent there for a while',
        {
          destination,
          until: new Date(closure.until).toISOString(),
          reason: closure.diagnosis.detail,
          reply: closure.diagnosis.reply?.lines.join(' ') ?? '',
        },
      )
    if (isForgettable) this.#known.delete(destination)
    else this.#known.set(destination, record)
    storage
      .run(noteDestinationHealth, {
        destination,
        health: isForgettable ? undefined : JSON.stringify(record),
        now: clock.now(),
      })
      .catch((cause: unknown) => {
        log.debug('what is known of a destination is not written down', {
          destination,
          reason: String(cause),
        })
      })
  }
}
