// Storage as a front or the delivery thread has it, on whichever engine the settings name.
import type { MessagePort } from 'node:worker_threads'
import type { Settings } from '../config/settings.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { systemRandom } from '../runtime/random.ts'
import { connectStorage } from '../storage/connect-storage.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import { openMailDataFiles } from '../storage/mail-data-files.ts'
import { createMailDataStore } from '../storage/mail-data-store.ts'
import type { Storage } from '../storage/operation.ts'
import { openMailDataChunks } from '../storage/postgres/mail-data-chunks.ts'
import { connectPostgresStorage } from '../storage/postgres/postgres-storage.ts'
import { parseServerAddress } from '../storage/postgres/server-address.ts'
import { createServerClock } from '../storage/postgres/server-clock.ts'

export interface ThreadStorage {
  readonly storage: Storage
  readonly mailData: MailDataStore
  /** The same for all servers that share the storage. */
  readonly clock: Clock
}

/** On SQLite the writes of a thread go over `port` to the store thread; on PostgreSQL it has connections of its own. */
export async function openThreadStorage(
  { dataFolder, storage: engine }: Settings,
  port: MessagePort,
  log: Log,
): Promise<ThreadStorage> {
  const database = parseServerAddress(engine)
  if (!database) {
    const storage = connectStorage(port, dataFolder)
    return {
      storage,
      mailData: createMailDataStore(openMailDataFiles(dataFolder, systemRandom), storage),
      clock: systemClock,
    }
  }
  port.close()
  const storage = await connectPostgresStorage(database, systemClock, log)
  const clock = await createServerClock(storage, systemClock, log)
  const files = openMailDataChunks(storage, clock, systemRandom)
  return { storage, mailData: createMailDataStore(files, storage), clock }
}
