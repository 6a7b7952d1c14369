// The rows of any table, in the order of its key: read page by page, written many at a time.
import { defineRead, defineWrite, type Operation, type SqlValue, type Tx } from '../operation.ts'
import type { MovedTable, Row } from './moved-tables.ts'

/** Reads of a storage. */
export interface Reader {
  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output>
}

type Key = readonly SqlValue[]

interface PageRequest {
  readonly table: MovedTable
  /** Undefined: from the beginning. */
  readonly after: Key | undefined
}

const readPage = defineRead(
  'storage.read-page',
  async (tx, { table: { name, columns, key, rowsPerPage }, after }: PageRequest): Promise<Row[]> => {
    const keys = key.join(', ')
    const behind = after ? `WHERE (${keys}) > (${key.map(() => '?').join(', ')})` : ''
    return await tx.all<Row>(
      `SELECT ${columns.join(', ')} FROM ${name} ${behind} ORDER BY ${keys} LIMIT ${rowsPerPage}`,
      ...(after ?? []),
    )
  },
)

/** The next page is on its way while one is being worked on. */
export async function* readPages(
  reader: Reader,
  table: MovedTable,
  after?: Key,
): AsyncIterable<readonly Row[]> {
  let next = reader.run(readPage, { table, after })
  for (;;) {
    const page = await next
    const last = page.at(-1)
    if (!last) return
    next = reader.run(readPage, { table, after: keyOf(table, last) })
    next.catch(() => {}) // told when it is asked for
    yield page
  }
}

export function keyOf({ key }: MovedTable, row: Row): Key {
  return key.map(column => row[column] ?? null)
}

/** The greatest key; undefined: there is no row. */
export const readLastKey = defineRead(
  'storage.read-last-key',
  async (tx, table: MovedTable): Promise<Key | undefined> => {
    const order = table.key.map(column => `${column} DESC`).join(', ')
    const row = await tx.get<Row>(
      `SELECT ${table.key.join(', ')} FROM ${table.name} ORDER BY ${order} LIMIT 1`,
    )
    return row && keyOf(table, row)
  },
)

export const countRows = defineRead(
  'storage.count-rows',
  async (tx, { name }: MovedTable): Promise<number> =>
    (await tx.get<{ rows: number }>(`SELECT count(*) AS rows FROM ${name}`))?.rows ?? 0,
)

/** Rows of one statement: far fewer values than either engine takes, and enough that its way costs little. */
const rowsPerStatement = 50

export const insertRows = defineWrite(
  'storage.insert-rows',
  async (tx, { table, rows }: { readonly table: MovedTable; readonly rows: readonly Row[] }) => {
    // Behind one another on the way: nobody waits for the answer to the one before.
    const written: Promise<unknown>[] = []
    const whole = rows.length - (rows.length % rowsPerStatement)
    for (let start = 0; start < whole; start += rowsPerStatement)
      written.push(insert(tx, table, rows.slice(start, start + rowsPerStatement)))
    for (const row of rows.slice(whole)) written.push(insert(tx, table, [row]))
    await Promise.all(written)
  },
)

function insert(tx: Tx, { name, columns }: MovedTable, rows: readonly Row[]): Promise<unknown> {
  const places = `(${columns.map(() => '?').join(', ')})`
  return tx.run(
    `INSERT INTO ${name} (${columns.join(', ')}) VALUES ${rows.map(() => places).join(', ')}`,
    ...rows.flatMap(row => columns.map(column => row[column] ?? null)),
  )
}
