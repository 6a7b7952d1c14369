// What a move takes along: every table of the schema, as the migrations make it, so that none is forgotten.
import { askExpectedSchema } from '../expected-schema.ts'
import type { SqlValue } from '../operation.ts'

export type Row = Readonly<Record<string, SqlValue>>

export interface MovedTable {
  readonly name: string
  readonly columns: readonly string[]
  /** Its primary key. */
  readonly key: readonly string[]
  /** Where rows get their ids from: after the greatest that is there, or after the greatest that ever was. */
  readonly ids: 'none' | 'after-greatest' | 'never-again'
  /** Few where rows can be large: a page stands in memory. */
  readonly rowsPerPage: number
}

/** They are about the servers that run, and none does: no part of what a storage keeps. */
export const tablesOfServers: readonly string[] = ['node', 'lease_owner', 'id_space', 'maildrop_lock']

/** The index of words: each engine has another, and makes it from the messages (docs/adr/0035). */
export const tablesOfIndex: readonly string[] = ['indexed_message', 'words_wanted']
export const isIndexOfWords = (table: string): boolean => /^message_words(?:$|_)/.test(table)

export const mailDataTable = 'mail_data'

interface ColumnRow {
  readonly table: string
  readonly statement: string
  readonly column: string
  readonly type: string
  /** Its place in the primary key, from 1. */
  readonly key: number
}

const listColumns = `
  SELECT sqlite_schema.name AS "table", sql AS statement, pragma_table_info.name AS "column",
    pragma_table_info.type AS type, pk AS key
  FROM sqlite_schema JOIN pragma_table_info(sqlite_schema.name)
  WHERE sqlite_schema.type = 'table' AND sqlite_schema.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  ORDER BY sqlite_schema.rowid, cid`

/** In the order in which they were made. */
export function listMovedTables(): readonly MovedTable[] {
  const rows = askExpectedSchema(listColumns) as readonly ColumnRow[]
  const tables = Map.groupBy(rows, ({ table }) => table)
  return [...tables]
    .filter(
      ([name]) => !tablesOfServers.includes(name) && !tablesOfIndex.includes(name) && !isIndexOfWords(name),
    )
    .map(([name, columns]) => describeTable(name, columns))
}

function describeTable(name: string, columns: readonly ColumnRow[]): MovedTable {
  const key = columns.filter(column => column.key > 0).toSorted((a, b) => a.key - b.key)
  if (key.length === 0) throw new Error(`the table ${name} has no primary key, so nothing can move it`)
  // A key of another name is somebody else's id: an account's.
  const hasOwnIds = key.length === 1 && key[0]?.column === 'id' && key[0].type === 'INTEGER'
  const neverAgain = columns.some(({ statement }) => /\bPRIMARY KEY AUTOINCREMENT\b/.test(statement))
  return {
    name,
    columns: columns.map(({ column }) => column),
    key: key.map(({ column }) => column),
    ids: neverAgain ? 'never-again' : hasOwnIds ? 'after-greatest' : 'none',
    rowsPerPage: columns.some(({ type }) => type === 'BLOB') ? 200 : 1000,
  }
}
