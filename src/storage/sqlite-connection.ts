// One connection to the embedded database, with its settings and its prepared statements.
import { chmodSync, closeSync, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { containsInSqlite } from './any-case.ts'
import type { SqlValue, Tx, WakeTopic } from './operation.ts'
import { oneByOne } from './side-by-side.ts'
import { SqliteWords } from './sqlite-words.ts'
import { toStorageFault } from './storage-fault.ts'
import { type Woken, WokenTopics } from './woken.ts'

export const databaseFileName = 'postrider.sqlite'

/** False also when nothing has ever been written to it. */
export function isDatabaseThere(folder: string): boolean {
  return (statSync(join(folder, databaseFileName), { throwIfNoEntry: false })?.size ?? 0) > 0
}

// Measured with 2 KB messages: 8 KB pages take a message with its rows in one or two; 4 KB ones cost a third more.
const pageBytes = 8192
// Of each connection. The others' commits make a reader forget its pages again and again, so that more is of no use to it
// while mail flows; what it read a moment ago the kernel still has.
const cacheKib = { reader: 8192, writer: 16_384 } as const
// 64 MB of log before it is copied into the database: fewer copies of pages that change with each message.
const checkpointPages = 8192
const busyTimeoutMs = 5000

export class SqliteConnection implements Tx {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #writes = new Map<string, StatementSync>()
  readonly #woken = new WokenTopics()
  readonly file: string

  /** Throws a StorageFault. A writer creates the file when it is missing. */
  constructor(folder: string, access: 'reader' | 'writer') {
    this.file = join(folder, databaseFileName)
    try {
      // Hashes of passwords and mail: for the owner only. The log and its index are made with the mode of the file.
      if (access === 'writer') {
        closeSync(openSync(this.file, 'a', 0o600))
        chmodSync(this.file, 0o600)
      }
      this.#database = new DatabaseSync(this.file, { readOnly: access === 'reader' })
      this.#database.exec(`PRAGMA busy_timeout=${busyTimeoutMs}; PRAGMA cache_size=-${cacheKib[access]};`)
      if (access === 'writer') {
        // FULL syncs the log at each commit: what is answered with 250 survives a power cut.
        this.#database.exec(
          `PRAGMA page_size=${pageBytes}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=${checkpointPages};`,
        )
      }
    } catch (cause) {
      throw toStorageFault(cause, this.file)
    }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#database.prepare(preparedOnce(sql))
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** The id of the last row that was put in comes along, which of the tables behind an index of words is no safe number. */
  #prepareWrite(sql: string): StatementSync {
    let statement = this.#writes.get(sql)
    if (!statement) {
      statement = this.#database.prepare(preparedOnce(sql))
      statement.setReadBigInts(true)
      this.#writes.set(sql, statement)
    }
    return statement
  }

  get<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    return attempt(() => this.#prepare(sql).get(...values) as Row | undefined)
  }

  all<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    return attempt(() => this.#prepare(sql).all(...values) as Row[])
  }

  run(sql: string, ...values: readonly SqlValue[]): Promise<{ changes: number }> {
    return attempt(() => ({ changes: Number(this.#prepareWrite(sql).run(...values).changes) }))
  }

  wake(topic: WakeTopic, key: number): void {
    this.#woken.add(topic, key)
  }

  /** What the transaction has woken that has just ended. */
  takeWoken(): Woken {
    return this.#woken.take()
  }

  async hasTable(name: string): Promise<boolean> {
    const found = await this.get(
      "SELECT 1 AS found FROM sqlite_schema WHERE type = 'table' AND name = ?",
      name,
    )
    return found !== undefined
  }

  // One writer: whoever writes has all of it.
  lockRow(): Promise<void> {
    return Promise.resolve()
  }

  lockAll(): Promise<void> {
    return Promise.resolve()
  }

  readonly forAll = oneByOne
  readonly byIndex = (index: string): string => `INDEXED BY ${index}`
  readonly contains = containsInSqlite
  readonly words = new SqliteWords(this)
  readonly forUpdate = ''
  readonly skipLocked = ''

  /** A statement without values or rows, now: BEGIN, COMMIT. */
  execute(sql: string): void {
    this.#prepareWrite(sql).run()
  }

  /** Several statements, once: a migration. */
  executeScript(sql: string): void {
    this.#database.exec(sql)
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction
  }

  close(): void {
    this.#statements.clear()
    this.#writes.clear()
    if (this.#database.isOpen) this.#database.close()
  }
}

// SQLite plans by the value of a LIMIT that stands alone, and so prepares the statement again whenever one is bound.
function preparedOnce(sql: string): string {
  return sql.replaceAll('LIMIT ?', 'LIMIT ? + 0')
}

// A statement that fails rejects, as it would on an engine at the other end of a socket.
function attempt<Output>(statement: () => Output): Promise<Output> {
  try {
    return Promise.resolve(statement())
  } catch (cause) {
    return Promise.reject(cause)
  }
}
