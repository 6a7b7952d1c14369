// What became of the messages of a ledger, when the servers had their mailboxes in PostgreSQL.
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { openMailDataChunks } from '../../src/storage/postgres/mail-data-chunks.ts'
import { connectPostgresStorage } from '../../src/storage/postgres/postgres-storage.ts'
import { Arrivals, compareWithLedger, type Reckoning, unstuff } from './arrivals.ts'
import type { CollectingSink } from './collecting-sink.ts'
import type { Ledger } from './ledger-load.ts'
import { addressOf } from './postgres-server.ts'
import { readMailboxes } from './read-mailboxes.ts'

export interface Arrived {
  readonly ledger: Ledger
  /** What is not for here has come there. */
  readonly sink: CollectingSink
  readonly uri: string
  readonly localReceivers: readonly string[]
}

export async function reckonWithDatabase({ ledger, sink, uri, localReceivers }: Arrived): Promise<Reckoning> {
  const remotely = new Arrivals(ledger)
  for (const stuffed of sink.messages) remotely.add(unstuff(stuffed))
  const here = new Arrivals(ledger)
  const storage = await connectPostgresStorage(addressOf(uri), systemClock, silentLog)
  try {
    const mailData = createMailDataStore(openMailDataChunks(storage, systemClock, systemRandom), storage)
    for await (const text of readMailboxes(storage, mailData, localReceivers)) here.add(text)
  } finally {
    await storage.close()
  }
  const isRemote = ({ recipient }: { readonly recipient: string }): boolean =>
    !localReceivers.includes(recipient)
  return compareWithLedger(ledger, { here, remotely, isRemote })
}
