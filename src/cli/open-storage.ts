// How a command reaches the data. On PostgreSQL it is one more node. On SQLite it reads on a connection of its own, and
// writes through the running server, which is the one writer, or, when none runs, by taking the data folder's lock for as
// long as the command lasts.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../config/settings.ts'
import type { ControlClient } from '../main/control-client.ts'
import { lockOrConnect } from '../main/lock-or-connect.ts'
import { systemClock } from '../runtime/clock.ts'
import { silentLog } from '../runtime/log.ts'
import type { DataFolderLock } from '../storage/data-folder.ts'
import { type LocalStorage, openLocalStorage } from '../storage/local-storage.ts'
import { readSchemaVersion, schemaVersion } from '../storage/migrate.ts'
import type { Operation } from '../storage/operation.ts'
import { openPostgresStorage } from '../storage/postgres/postgres-storage.ts'
import { databaseFileName, SqliteConnection } from '../storage/sqlite-connection.ts'
import { SqliteReader } from '../storage/sqlite-reader.ts'
import { unfinishedMoveTable } from '../storage/unfinished-move.ts'

export interface CommandStorage {
  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output>
  close(): Promise<void>
}

export async function openStorageForCommand({
  dataFolder,
  database,
}: Pick<Settings, 'dataFolder' | 'database'>): Promise<CommandStorage> {
  return database ? await openPostgresStorage(database, systemClock, silentLog) : new LazyStorage(dataFolder)
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
