// Storage whose writer lives in this thread: the store thread, commands without a server, tests.
import { join } from 'node:path'
import { createDataFolder } from './data-folder.ts'
import { GroupCommit } from './group-commit.ts'
import { listMailDataFiles } from './mail-data-files.ts'
import { migrate } from './migrate.ts'
import type { AnyOperation, Operation, Storage, WakeListener, WakeTopic } from './operation.ts'
import { databaseFileName, isDatabaseThere, SqliteConnection } from './sqlite-connection.ts'
import { SqliteReader } from './sqlite-reader.ts'
import { StorageFault, storageIsGone } from './storage-fault.ts'
import { assertMoveFinished } from './unfinished-move.ts'
import { WakeListeners } from './wake-listeners.ts'

/** Opens the database of a data folder, brings its schema up to date, and starts the one writer. */
export async function openLocalStorage(folder: string): Promise<LocalStorage> {
  createDataFolder(folder)
  await assertDatabaseIsThere(folder)
  const writer = new SqliteConnection(folder, 'writer')
  try {
    await assertMoveFinished(writer, folder)
    await migrate(writer)
    return new LocalStorage(writer, new SqliteReader(folder))
  } catch (cause) {
    writer.close()
    throw cause
  }
}

/** A database that has gone is not begun anew beside the mail that it held: each sender would be told that nobody is here. */
async function assertDatabaseIsThere(folder: string): Promise<void> {
  if (isDatabaseThere(folder)) return
  const file = join(folder, databaseFileName)
  for await (const name of listMailDataFiles(folder)) {
    throw new StorageFault(
      'STORAGE_MISSING',
      `${file} is missing or empty, but mail is there (mail/${name}, perhaps more). Restore the database from a backup; or, if it is to begin anew, move the folder mail away first.`,
    )
  }
}

export class LocalStorage implements Storage {
  readonly #writer: SqliteConnection
  readonly #reader: SqliteReader
  readonly #commits: GroupCommit
  readonly #listeners = new WakeListeners()
  #closed = false

  constructor(writer: SqliteConnection, reader: SqliteReader) {
    this.#writer = writer
    this.#reader = reader
    this.#commits = new GroupCommit(writer, woken => this.#listeners.wakeAll(woken))
  }

  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
    if (this.#closed) return Promise.reject(storageIsGone())
    if (operation.access === 'read') return this.#reader.run(operation, input)
    return this.#commits.submit(operation as AnyOperation, input) as Promise<Output>
  }

  onWake(topic: WakeTopic, listener: WakeListener): void {
    this.#listeners.add(topic, listener)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#commits.idle()
    this.#reader.close()
    this.#writer.close()
  }
}
