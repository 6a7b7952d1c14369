// What is known of destinations beyond a restart: which are closed, how often in a row, and which refuse our name.
import type { AlertSource } from '../../alert/alert.ts'
import type { Alerts } from '../../alert/alerts.ts'
import type { SourcePoolSettings } from '../../config/settings.ts'
import { listDestinationHealth, noteDestinationHealth } from '../../queue/destination-health.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Log } from '../../runtime/log.ts'
import type { Storage } from '../../storage/operation.ts'
import { describeProvider } from '../replies/describe-provider.ts'
import { refusedStep } from '../replies/diagnose.ts'
import { type HealthRecord, isUnremarkable, type Refusal } from './destination-health.ts'
import { addressOfLane, type LaneKey } from './lane-key.ts'

export interface HealthRecordsParts {
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  readonly log: Log
  readonly alerts: Pick<Alerts, 'raise'>
  readonly sourcePools: readonly SourcePoolSettings[]
}

/** By destination: 'gmail', 'mx1.example.org mx2.example.org'. Rejects with a StorageFault. */
export async function readHealthRecords(storage: Pick<Storage, 'run'>): Promise<Map<string, HealthRecord>> {
  const rows = await storage.run(listDestinationHealth, undefined)
  return new Map(rows.map(({ destination, health }) => [destination, JSON.parse(health) as HealthRecord]))
}

export class HealthRecords {
  readonly #parts: HealthRecordsParts
  readonly #known = new Map<string, HealthRecord>()
  /** Of each reading that is under way: what was learnt meanwhile. */
  readonly #readings = new Set<Set<string>>()
  /** Resolves when all of it is written that was learnt so far. */
  #written: Promise<unknown> = Promise.resolve()

  constructor(parts: HealthRecordsParts) {
    this.#parts = parts
  }

  /** Rejects with a StorageFault. */
  async start(): Promise<void> {
    const learnt = new Set<string>()
    this.#readings.add(learnt)
    try {
      await this.#written
      const records = await readHealthRecords(this.#parts.storage)
      for (const destination of this.#known.keys())
        if (!learnt.has(destination) && !records.has(destination)) this.#known.delete(destination)
      for (const [destination, record] of records)
        if (!learnt.has(destination)) this.#known.set(destination, record)
    } finally {
      this.#readings.delete(learnt)
    }
  }

  /** What others have learnt, of destinations that are this server's now, or have forgotten. Never rejects. */
  async catchUp(): Promise<void> {
    try {
      await this.start()
    } catch (cause) {
      this.#parts.log.debug('what others know of destinations cannot be read', { reason: String(cause) })
    }
  }

  of(destination: string): HealthRecord | undefined {
    return this.#known.get(destination)
  }

  keep(destination: string, record: HealthRecord): void {
    const { refusal } = record
    const isForgettable = isUnremarkable(record)
    const known = this.#known.get(destination)
    if (isForgettable && !known) return
    if (isForgettable) this.#known.delete(destination)
    else this.#known.set(destination, record)
    for (const learnt of this.#readings) learnt.add(destination)
    const writing = this.#write(destination, isForgettable ? undefined : record)
    this.#written = Promise.all([this.#written, writing])
    if (!refusal || refusal.at === known?.refusal?.at) return
    if (!known?.refusal) this.#logRefusal(destination, record, refusal)
    this.#raiseAlert(destination, refusal)
  }

  /** Never rejects. */
  async #write(destination: string, record: HealthRecord | undefined): Promise<void> {
    const { clock, log, storage } = this.#parts
    try {
      const health = record && JSON.stringify(record)
      await storage.run(noteDestinationHealth, { destination, health, now: clock.now() })
    } catch (cause) {
      log.debug('what is known of a destination is not written down', {
        destination,
        reason: String(cause),
      })
    }
  }

  #logRefusal(destination: string, { closure }: HealthRecord, { diagnosis }: Refusal): void {
    this.#parts.log.error(
      'a destination refuses mail from this server because of its reputation; nothing is sent there for a while',
      {
        destination,
        ...(closure ? { until: new Date(closure.until).toISOString() } : {}),
        reason: diagnosis.detail,
        reply: diagnosis.reply?.lines.join(' ') ?? '',
      },
    )
  }

  #raiseAlert(destination: string, { at, diagnosis }: Refusal): void {
    const { detail, remoteMta, remoteAddress, reply } = diagnosis
    void this.#parts.alerts.raise({
      kind: 'reputation-block',
      subject: destination,
      at,
      evidence: {
        detail,
        remoteMta,
        remoteAddress,
        refused: refusedStep(diagnosis),
        source: this.#sourceOf(destination),
        reply,
        provider: describeProvider(diagnosis),
      },
    })
  }

  #sourceOf(destination: LaneKey): AlertSource | undefined {
    const address = addressOfLane(destination)
    const pool = this.#parts.sourcePools.find(({ sources }) => sources.some(one => one.address === address))
    return address === undefined || !pool
      ? undefined
      : { address, pool: pool.name, isOnly: pool.sources.length === 1 }
  }
}
