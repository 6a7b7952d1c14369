// Storage in PostgreSQL, as one thread has it.
import type { Clock } from '../../runtime/clock.ts'
import { LastingTrouble } from '../../runtime/lasting-trouble.ts'
import type { Log } from '../../runtime/log.ts'
import { schemaVersion } from '../migrate.ts'
import type { AnyOperation, Operation, Storage, WakeListener, WakeTopic } from '../operation.ts'
import { storageIsGone } from '../storage-fault.ts'
import { ConnectionPool } from './connection-pool.ts'
import { limitsOfMigration, type PostgresLimits, usualLimits } from './limits.ts'
import { enterDatabase } from './lock-database.ts'
import { migratePostgres } from './migrate-postgres.ts'
import { PostgresConnection } from './postgres-connection.ts'
import { PostgresReader } from './postgres-reader.ts'
import { PostgresWriter } from './postgres-writer.ts'
import type { ServerAddress } from './server-address.ts'
import { Wakes } from './wakes.ts'

const maxTransactions = 2
const maxReads = 2
const writeConnections = maxTransactions + 1
/** With the one for wake-ups. */
export const connectionsOfThread = writeConnections + maxReads + 1

/** Brings the schema up to date first. */
export async function openPostgresStorage(
  address: ServerAddress,
  clock: Clock,
  log: Log,
  limits: PostgresLimits = usualLimits,
): Promise<PostgresStorage> {
  const connection = await PostgresConnection.open(address, 'migration', limitsOfMigration(limits))
  try {
    await enterDatabase(connection)
    const version = await migratePostgres(connection)
    if (version > schemaVersion)
      log.info(
        'the database is of a newer version, beside which this one can work: bring this server to it too',
        {
          schema: version,
          own: schemaVersion,
        },
      )
    // Before the end of the first one: whoever wants the database for himself sees this process all the time.
    return await connectPostgresStorage(address, clock, log, limits)
  } finally {
    connection.close()
  }
}

/** Where somebody else has opened it. */
export async function connectPostgresStorage(
  address: ServerAddress,
  clock: Clock,
  log: Log,
  limits: PostgresLimits = usualLimits,
): Promise<PostgresStorage> {
  const outage = new LastingTrouble(log, {
    begins: 'the database does not answer: mail is put off until it does',
    ends: 'the database answers again',
  })
  const wakes = new Wakes({ address, limits, clock, log, outage })
  await wakes.start()
  return new PostgresStorage({ address, limits, clock, log, outage, wakes })
}

export interface PostgresStorageParts {
  readonly address: ServerAddress
  readonly limits: PostgresLimits
  readonly clock: Clock
  readonly log: Log
  readonly outage: LastingTrouble
  readonly wakes: Wakes
}

export class PostgresStorage implements Storage {
  readonly #reads: ConnectionPool
  readonly #reader: PostgresReader
  readonly #writes: ConnectionPool
  readonly #writer: PostgresWriter
  readonly #wakes: Wakes
  #closed = false

  constructor({ address, limits, clock, log, outage, wakes }: PostgresStorageParts) {
    this.#reads = new ConnectionPool(address, 'read', maxReads, limits)
    this.#reader = new PostgresReader({ pool: this.#reads, limits, outage })
    this.#writes = new ConnectionPool(address, 'write', writeConnections, limits)
    this.#wakes = wakes
    this.#writer = new PostgresWriter({
      pool: this.#writes,
      limits,
      clock,
      log,
      outage,
      maxTransactions,
      announce: (connection, woken) => wakes.announce(connection, woken),
      tell: woken => wakes.tell(woken),
    })
  }

  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
    if (this.#closed) return Promise.reject(storageIsGone())
    if (operation.access === 'read') return this.#reader.run(operation, input)
    return this.#writer.submit(operation as AnyOperation, input) as Promise<Output>
  }

  onWake(topic: WakeTopic, listener: WakeListener): void {
    this.#wakes.on(topic, listener)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#writer.idle()
    await this.#wakes.close()
    this.#reads.close()
    this.#writes.close()
  }
}
