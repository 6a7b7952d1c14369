// PostgreSQL as a thread has it, with the time by which all servers go.
import { type Clock, steadyClock, systemClock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'
import { awaitServer } from '../storage/postgres/await-server.ts'
import { connectPostgresStorage } from '../storage/postgres/postgres-storage.ts'
import type { ServerAddress } from '../storage/postgres/server-address.ts'
import { createServerClock } from '../storage/postgres/server-clock.ts'

/** Waits until the database is there. `clockLog` is told how far the clocks are apart. */
export async function connectWithClock(
  database: ServerAddress,
  log: Log,
  clockLog: Log,
): Promise<{ readonly storage: Storage; readonly clock: Clock }> {
  return await awaitServer(
    () => connectPostgresStorage(database, systemClock, log),
    async storage => ({ storage, clock: await createServerClock(storage, steadyClock, clockLog) }),
    log,
  )
}
