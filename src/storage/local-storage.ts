// Storage whose writer lives in this thread: the store thread, commands without a server, tests.
import { createDataFolder } from './data-folder.ts'
import { GroupCommit } from './group-commit.ts'
import { migrate } from './migrate.ts'
import type { AnyOperation, Operation, Storage, WakeTopic } from './operation.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { SqliteReader } from './sqlite-reader.ts'
import { storageIsGone } from './storage-fault.ts'

/** Opens the database of a data folder, brings its schema up to date, and starts the one writer. */
export async function openLocalStorage(folder: string): Promise<LocalStorage> {
  createDataFolder(folder)
  const writer = new SqliteConnection(folder, 'writer')
  try {
    await migrate(writer)
    return new LocalStorage(writer, new SqliteReader(folder))
  } catch (cause) {
    writer.close()
    throw cause
  }
}

export class LocalStorage implements Storage {
  readonly #writer: SqliteConnection
  readonly #reader: SqliteReader
  readonly #commits: GroupCommit
  readonly #listeners = new Map<WakeTopic, Set<() => void>>()
  #closed = false

  constructor(writer: SqliteConnection, reader: SqliteReader) {
    this.#writer = writer
    this.#reader = reader
    this.#commits = new GroupCommit(writer, topics => {
      for (const topic of topics) for (const listener of this.#listeners.get(topic) ?? []) listener()
    })
  }

  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
    if (this.#closed) return Promise.reject(storageIsGone())
    if (operation.access === 'read') return this.#reader.run(operation, input)
    return this.#commits.submit(operation as AnyOperation, input) as Promise<Output>
  }

  onWake(topic: WakeTopic, listener: () => void): void {
    const listeners = this.#listeners.get(topic)
    if (listeners) listeners.add(listener)
    else this.#listeners.set(topic, new Set([listener]))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#commits.idle()
    this.#reader.close()
    this.#writer.close()
  }
}
