// What a move does otherwise on each engine: counters of ids, and emptying.
import type { Tx } from '../operation.ts'
import { translateSchema } from '../postgres/dialect.ts'
import type { MovedTable } from './moved-tables.ts'

export interface MoveEngine {
  /** A statement that makes a table, written for SQLite. */
  translateSchema(statements: string): string
  /** The greatest id that a table has ever given, or as much as the engine remembers; undefined: none. */
  readCounter(tx: Tx, table: string): Promise<number | undefined>
  /** The next id will be greater than `last`. */
  setCounter(tx: Tx, table: string, last: number): Promise<void>
  /** Tables whose counter the engine keeps apart from the rows. */
  readonly counted: readonly MovedTable['ids'][]
  /** Removes all rows, and mail data that stands in rows of its own. */
  empty(tx: Tx, tables: readonly MovedTable[]): Promise<void>
  /** After the last row has come: for whoever plans queries. */
  refreshStatistics(tx: Tx, tables: readonly MovedTable[]): Promise<void>
}

export const sqliteEngine: MoveEngine = {
  translateSchema: statements => statements,
  counted: ['never-again'],
  // https://sqlite.org/autoinc.html
  async readCounter(tx, table) {
    const row = await tx.get<{ seq: number }>('SELECT seq FROM sqlite_sequence WHERE name = ?', table)
    return row?.seq
  },
  async setCounter(tx, table, last) {
    await tx.run('DELETE FROM sqlite_sequence WHERE name = ?', table)
    await tx.run('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)', table, last)
  },
  async empty(tx, tables) {
    for (const { name } of tables) await tx.run(`DELETE FROM ${name}`)
    await tx.run('DELETE FROM sqlite_sequence')
  },
  // It plans without.
  refreshStatistics: () => Promise.resolve(),
}

export const postgresEngine: MoveEngine = {
  translateSchema,
  counted: ['never-again', 'after-greatest'],
  async readCounter(tx, table) {
    const row = await tx.get<{ last: number | null }>(
      "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(?, 'id') AS regclass)) AS last",
      table,
    )
    return row?.last ?? undefined
  },
  async setCounter(tx, table, last) {
    await tx.get("SELECT setval(pg_get_serial_sequence(?, 'id'), ?)", table, last)
  },
  async empty(tx, tables) {
    const names = [...tables.map(({ name }) => name), 'mail_data_chunk']
    await tx.run(`TRUNCATE ${names.join(', ')} RESTART IDENTITY`)
  },
  async refreshStatistics(tx, tables) {
    for (const { name } of tables) await tx.run(`ANALYZE ${name}`)
  },
}
