// The engine as the store thread has it, which keeps house. It brings SQLite's schema up to date; in PostgreSQL that has been
// done when the server entered (enter-cluster.ts).
import { join } from 'node:path'
import type { Settings } from '../config/settings.ts'
import { makeMissingBlocks } from '../mailbox/rebuild-blocks.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { openLocalStorage } from '../storage/local-storage.ts'
import type { Storage } from '../storage/operation.ts'
import { removeOrphanChunks } from '../storage/postgres/mail-data-chunks.ts'
import { removeOldMarks } from '../storage/postgres/write-marks.ts'
import { orphanFolderName, sweepOrphans } from '../storage/sweep-orphans.ts'
import { connectWithClock } from './connect-with-clock.ts'

export interface Store {
  readonly storage: Storage
  /** The same for all servers that share the storage. */
  readonly clock: Clock
  /** Once after the start. */
  sweep(): Promise<void>
  /** Now and then. */
  tidy(): Promise<void>
}

export async function openStore(settings: Settings, log: Log): Promise<Store> {
  const store = await openEngine(settings, log)
  const mailboxes = await makeMissingBlocks(store.storage)
  if (mailboxes > 0)
    log.info('the index of each mailbox was made, which an older version did not have', { mailboxes })
  return store
}

async function openEngine({ dataFolder, database }: Settings, log: Log): Promise<Store> {
  if (database) {
    const { storage, clock } = await connectWithClock(database, log, log)
    return postgresStore(storage, clock)
  }
  const storage = await openLocalStorage(dataFolder)
  const startedAt = systemClock.now()
  return {
    storage,
    clock: systemClock,
    async sweep() {
      const moved = await sweepOrphans(dataFolder, storage, startedAt)
      if (moved > 0)
        log.warn('moved mail data files without a row aside: a crash left them, or the database is older', {
          files: moved,
          folder: join(dataFolder, orphanFolderName),
        })
    },
    tidy: () => Promise.resolve(),
  }
}

/** No message takes so long to come in, and no commit so long to be looked for. */
const abandonedAfterMs = 24 * 3_600_000

const chunksAtATime = 10_000
const marksAtATime = 10_000

/** By the time of the database: a machine whose clock is days ahead would take for abandoned what is just coming in. */
function postgresStore(storage: Storage, clock: Clock): Store {
  const tidy = async (): Promise<void> => {
    const before = clock.now() - abandonedAfterMs
    for (let after: string | undefined = ''; after !== undefined; )
      after = await storage.run(removeOrphanChunks, { before, after, limit: chunksAtATime })
    while ((await storage.run(removeOldMarks, { before, limit: marksAtATime })) === marksAtATime);
  }
  return { storage, clock, sweep: tidy, tidy }
}
