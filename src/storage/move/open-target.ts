// The storage that everything is moved to: nobody else has it meanwhile. It is empty, or the unfinished target of the same
// move; from before the first row it says of itself that it is unfinished.
import type { Clock } from '../../runtime/clock.ts'
import { silentLog } from '../../runtime/log.ts'
import type { Random } from '../../runtime/random.ts'
import type { DataFolderLock } from '../data-folder.ts'
import { LocalStorage } from '../local-storage.ts'
import type { MailDataFiles } from '../mail-data.ts'
import { listMailDataFiles, openMailDataFiles } from '../mail-data-files.ts'
import { migrate } from '../migrate.ts'
import { wantAllWords } from '../migrations/0030-message-words.ts'
import { defineWrite, type Storage } from '../operation.ts'
import { lockDatabase } from '../postgres/lock-database.ts'
import { openMailDataChunks } from '../postgres/mail-data-chunks.ts'
import { migratePostgres } from '../postgres/migrate-postgres.ts'
import { toPostgresFault } from '../postgres/postgres-fault.ts'
import { connectPostgresStorage } from '../postgres/postgres-storage.ts'
import type { ServerAddress } from '../postgres/server-address.ts'
import { databaseFileName, isDatabaseThere, SqliteConnection } from '../sqlite-connection.ts'
import { SqliteReader } from '../sqlite-reader.ts'
import { toStorageFault } from '../storage-fault.ts'
import { type UnfinishedMove, unfinishedMoveTable, writeUnfinishedMove } from '../unfinished-move.ts'
import { assertNoFile, claimTarget, type FilledTarget, type Wish } from './claim-target.ts'
import { type MoveEngine, postgresEngine, sqliteEngine } from './engine.ts'
import { listMovedTables } from './moved-tables.ts'
import { nameOf, type Place } from './place.ts'

export interface MoveTarget {
  readonly name: string
  readonly engine: MoveEngine
  readonly storage: Storage
  readonly files: MailDataFiles
  /** As it stands in the target: the one that is gone on with, or the new one. */
  readonly move: UnfinishedMove
  /** Why what was there of an earlier try is not gone on with. */
  readonly begunAnew: 'source-changed' | 'wanted' | undefined
  /** Everything is there: from now on it is a storage like any other. */
  finish(): Promise<void>
  close(): Promise<void>
}

/** Rejects when it is in use, or when anything else is there. */
export async function openTarget(
  place: Place,
  wish: Wish,
  clock: Clock,
  random: Random,
): Promise<MoveTarget> {
  return place.kind === 'folder'
    ? await openFolder(place, wish, random)
    : await openDatabase(place.address, nameOf(place), wish, clock, random)
}

async function openFolder(
  { folder, lock: lockFolder }: Extract<Place, { kind: 'folder' }>,
  wish: Wish,
  random: Random,
): Promise<MoveTarget> {
  const lock = await lockFolder(folder)
  const writer = await openWriter(folder, lock)
  let storage: LocalStorage | undefined
  try {
    const found = await claimTarget(writer, sqliteEngine, wish, filled(folder))
    await migrate(writer)
    const opened = new LocalStorage(writer, new SqliteReader(folder))
    storage = opened
    const files = openMailDataFiles(folder, random)
    const removeFiles = async (): Promise<void> => {
      for await (const name of listMailDataFiles(folder)) await files.remove([name])
    }
    return await takeUp({
      name: folder,
      engine: sqliteEngine,
      storage: opened,
      files,
      wish,
      found,
      removeFiles,
      async close() {
        await opened.close()
        lock.release()
      },
    })
  } catch (cause) {
    await storage?.close()
    writer.close()
    lock.release()
    throw toStorageFault(cause, folder)
  }
}

function filled(folder: string): FilledTarget {
  return {
    name: folder,
    howToEmpty: `move ${databaseFileName} and the folder mail away`,
    async findFile() {
      for await (const name of listMailDataFiles(folder)) return `mail/${name}`
      return undefined
    },
  }
}

async function openWriter(folder: string, lock: DataFolderLock): Promise<SqliteConnection> {
  try {
    // Before a database is made beside them: a server would take it for theirs.
    if (!isDatabaseThere(folder)) await assertNoFile(filled(folder))
    return new SqliteConnection(folder, 'writer')
  } catch (cause) {
    lock.release()
    throw cause
  }
}

async function openDatabase(
  address: ServerAddress,
  name: string,
  wish: Wish,
  clock: Clock,
  random: Random,
): Promise<MoveTarget> {
  const lock = await lockDatabase(address)
  let storage: Storage | undefined
  try {
    const found = await claimTarget(lock, postgresEngine, wish, {
      name,
      howToEmpty: 'make the database anew',
      findFile: () => Promise.resolve(undefined),
    })
    await migratePostgres(lock)
    const opened = await connectPostgresStorage(address, clock, silentLog)
    storage = opened
    return await takeUp({
      name,
      engine: postgresEngine,
      storage: opened,
      files: openMailDataChunks(opened, clock, random),
      wish,
      found,
      removeFiles: () => Promise.resolve(),
      async close() {
        await opened.close()
        lock.close()
      },
    })
  } catch (cause) {
    await storage?.close()
    lock.close()
    throw toPostgresFault(cause, address.name)
  }
}

interface Opened extends Pick<MoveTarget, 'name' | 'engine' | 'storage' | 'files' | 'close'> {
  readonly wish: Wish
  readonly found: UnfinishedMove | undefined
  readonly removeFiles: () => Promise<void>
}

async function takeUp({ wish, found, removeFiles, ...target }: Opened): Promise<MoveTarget> {
  const { engine, storage } = target
  const begunAnew = found && reasonToBeginAnew(wish, found)
  if (begunAnew) {
    // What names files goes first, and the note of what it was made from last.
    await storage.run(
      defineWrite('storage.empty', tx => engine.empty(tx, listMovedTables())),
      undefined,
    )
    await removeFiles()
    await storage.run(
      defineWrite('storage.begin-move', tx => writeUnfinishedMove(tx, wish.move)),
      undefined,
    )
  }
  return {
    ...target,
    begunAnew,
    move: found && !begunAnew ? found : wish.move,
    async finish() {
      await storage.run(
        defineWrite('storage.refresh-statistics', tx => engine.refreshStatistics(tx, listMovedTables())),
        undefined,
      )
      const end = defineWrite('storage.end-move', async tx => {
        // The server that starts on it indexes its messages.
        await tx.run(wantAllWords)
        await tx.run(`DROP TABLE ${unfinishedMoveTable}`)
      })
      await storage.run(end, undefined)
    },
  }
}

function reasonToBeginAnew({ move, anew }: Wish, found: UnfinishedMove): MoveTarget['begunAnew'] {
  if (anew) return 'wanted'
  return found.sourceState === move.sourceState ? undefined : 'source-changed'
}
