// What became of the messages of a ledger, when the servers had their mailboxes in PostgreSQL.
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { openMailDataChunks } from '../../src/storage/postgres/mail-data-chunks.ts'
import { connectPostgresStorage } from '../../src/storage/postgres/postgres-storage.ts'
import { type Reckoning, reckonArrivals } from './arrivals.ts'
import type { CollectingSink } from './collecting-sink.ts'
import type { Ledger } from './ledger-load.ts'
import { addressOf } from './postgres-server.ts'
import { readMailboxes } from './read-mailboxes.ts'

export interface MailOfDatabase {
  readonly ledger: Ledger
  /** What is not for here has come there. */
  readonly sink: CollectingSink
  readonly uri: string
  readonly localReceivers: readonly string[]
}

export async function reckonWithDatabase({
  ledger,
  sink,
  uri,
  localReceivers,
}: MailOfDatabase): Promise<Reckoning> {
  const storage = await connectPostgresStorage(addressOf(uri), systemClock, silentLog)
  try {
    const mailData = createMailDataStore(openMailDataChunks(storage, systemClock, systemRandom), storage)
    const here = readMailboxes(storage, mailData, localReceivers)
    return await reckonArrivals(ledger, { here, taken: sink.messages, localReceivers })
  } finally {
    await storage.close()
  }
}
