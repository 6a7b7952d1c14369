// How a command reaches the data. On PostgreSQL it is one more node. On SQLite it reads on a connection of its own, and
// writes through the running server, which is the one writer, or, when none runs, by taking the data folder's lock for as
// long as the command lasts.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../config/settings.ts'
import type { ControlClient } from '../main/control-client.ts'
import { lockOrConnect } from '../main/lock-or-connect.ts'
import { systemClock } from '../runtime/clock.ts'
import { UsageFault } from '../runtime/fault.ts'
import { silentLog } from '../runtime/log.ts'
import type { DataFolderLock } from '../storage/data-folder.ts'
import { type LocalStorage, openLocalStorage } from '../storage/local-storage.ts'
import { listMailDataFiles } from '../storage/mail-data-files.ts'
import { readSchemaVersion, schemaVersion } from '../storage/migrate.ts'
import type { Operation } from '../storage/operation.ts'
import { hasPostgresData } from '../storage/postgres/inspect-server.ts'
import { openPostgresStorage } from '../storage/postgres/postgres-storage.ts'
import { databaseFileName, isDatabaseThere, SqliteConnection } from '../storage/sqlite-connection.ts'
import { SqliteReader } from '../storage/sqlite-reader.ts'
import { unfinishedMoveTable } from '../storage/unfinished-move.ts'

type StoragePlace = Pick<Settings, 'dataFolder' | 'database'>

export interface CommandStorage {
  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output>
  close(): Promise<void>
}

/**
 * Of a server that is there: a command that reads makes none, or a mistake in dataFolder would look like a server without
 * mail. Rejects with CLI_NO_DATA where there is none.
 */
export async function openStorageForCommand(settings: StoragePlace): Promise<CommandStorage> {
  await assertData(settings)
  return await openOrBeginStorage(settings)
}

/** For the commands that begin a server. */
export async function openOrBeginStorage({ dataFolder, database }: StoragePlace): Promise<CommandStorage> {
  return database ? await openPostgresStorage(database, systemClock, silentLog) : new LazyStorage(dataFolder)
}

async function assertData({ dataFolder, database }: StoragePlace): Promise<void> {
  if (database) {
    if (!(await hasPostgresData(database)))
      throw noData(`the database at ${database.name}`, 'at storage in the settings')
    return
  }
  if (mayBeThere(dataFolder)) return
  // Where mail is and its database is not, the writer has better words, and makes nothing either.
  for await (const _ of listMailDataFiles(dataFolder)) return
  throw noDataIn(dataFolder)
}

function mayBeThere(dataFolder: string): boolean {
  try {
    return isDatabaseThere(dataFolder)
  } catch {
    // Closed to this user, which whoever opens it says.
    return true
  }
}

export function noDataIn(dataFolder: string): UsageFault {
  return noData(dataFolder, 'whether its disk is mounted, and at dataFolder in the settings')
}

function noData(where: string, lookAt: string): UsageFault {
  return new UsageFault(
    'CLI_NO_DATA',
    `There is no Postrider data in ${where}. If there should be some, look ${lookAt}. For a new server, begin with "postrider domain create example.com" or "postrider serve".`,
  )
}

interface LockedStorage {
  readonly kind: 'locked'
  readonly lock: DataFolderLock
  readonly storage: LocalStorage
}

type Writer = LockedStorage | { readonly kind: 'server'; readonly control: ControlClient }

class LazyStorage implements CommandStorage {
  readonly #folder: string
  #reader: SqliteReader | undefined
  #writer: Writer | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  async run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
    if (operation.access === 'read') return await (await this.#openReader()).run(operation, input)
    const writer = await this.#openWriter()
    return await (writer.kind === 'server' ? writer.control : writer.storage).run(operation, input)
  }

  async close(): Promise<void> {
    this.#reader?.close()
    if (this.#writer?.kind === 'server') this.#writer.control.close()
    if (this.#writer?.kind === 'locked') {
      await this.#writer.storage.close()
      this.#writer.lock.release()
    }
  }

  async #openReader(): Promise<Pick<CommandStorage, 'run'>> {
    if (this.#writer?.kind === 'locked') return this.#writer.storage
    if (this.#reader) return this.#reader
    if (!(await isUpToDate(this.#folder))) {
      const writer = await this.#openWriter()
      if (writer.kind === 'locked') return writer.storage
    }
    this.#reader = new SqliteReader(this.#folder)
    return this.#reader
  }

  async #openWriter(): Promise<Writer> {
    this.#writer ??= await openWriter(this.#folder)
    return this.#writer
  }
}

export function hasDatabase({ dataFolder }: Pick<Settings, 'dataFolder'>): boolean {
  return existsSync(join(dataFolder, databaseFileName))
}

/**
 * False when there is no database yet, or one whose schema an older version wrote, which only a writer can mend, or half
 * of one, which a writer refuses.
 */
async function isUpToDate(folder: string): Promise<boolean> {
  if (!hasDatabase({ dataFolder: folder })) return false
  const connection = new SqliteConnection(folder, 'reader')
  try {
    if (await connection.hasTable(unfinishedMoveTable)) return false
    return (await readSchemaVersion(connection)) === schemaVersion
  } finally {
    connection.close()
  }
}

async function openWriter(folder: string): Promise<Writer> {
  const found = await lockOrConnect(folder)
  if (found.kind === 'server') return found
  try {
    return { ...found, storage: await openLocalStorage(folder) }
  } catch (cause) {
    found.lock.release()
    throw cause
  }
}
