// Storage as a front or the delivery thread has it, on whichever engine the settings name.
import type { MessagePort } from 'node:worker_threads'
import type { Settings } from '../config/settings.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { type Log, silentLog } from '../runtime/log.ts'
import { systemRandom } from '../runtime/random.ts'
import { connectStorage } from '../storage/connect-storage.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import { openMailData } from '../storage/open-mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { connectWithClock } from './connect-with-clock.ts'

export interface ThreadStorage {
  readonly storage: Storage
  readonly mailData: MailDataStore
  /** The same for all servers that share the storage. */
  readonly clock: Clock
}

/** On SQLite the writes of a thread go over `port` to the store thread; on PostgreSQL it has connections of its own. */
export async function openThreadStorage(
  settings: Settings,
  port: MessagePort,
  log: Log,
): Promise<ThreadStorage> {
  const { storage, clock } = await openEngine(settings, port, log)
  return { storage, mailData: openMailData(settings, storage, clock, systemRandom), clock }
}

async function openEngine(
  { dataFolder, database }: Settings,
  port: MessagePort,
  log: Log,
): Promise<Pick<ThreadStorage, 'storage' | 'clock'>> {
  if (!database) return { storage: connectStorage(port, dataFolder), clock: systemClock }
  port.close()
  // The store thread tells how far the clocks are apart.
  return await connectWithClock(database, log, silentLog)
}
