// Everything that a storage holds as a few checksums, by SQL of its own over all tables in the order of their keys: to
// compare what was moved without the code that moves.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'

export interface ExportedTable {
  readonly rows: number
  readonly checksum: string
}

export interface ExportedStorage {
  readonly tables: Readonly<Record<string, ExportedTable>>
  /** Bytes of mail data that was read, wherever it lies. */
  readonly mailDataBytes: number
  /** The last ids of tables whose ids never come back. */
  readonly counters: Readonly<Record<string, number>>
}

/** Of one engine, or of the servers that run; or the index of words, which is made anew. */
const notMoved = [
  'node',
  'lease_owner',
  'id_space',
  'maildrop_lock',
  'write_mark',
  'mail_data_chunk',
  'schema_version',
  'indexed_message',
  'words_wanted',
]

function isMoved(table: string): boolean {
  return !notMoved.includes(table) && !table.startsWith('message_words')
}

type Row = Readonly<Record<string, unknown>>

export async function exportFolder(folder: string): Promise<ExportedStorage> {
  const database = new DatabaseSync(join(folder, 'postrider.sqlite'), { readOnly: true })
  const all = (sql: string, ...values: string[]): readonly Row[] => database.prepare(sql).all(...values)
  try {
    const names = all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    const exporter = new Exporter(async name => [readFileSync(join(folder, 'mail', name))])
    for (const table of names.map(({ name }) => String(name)).filter(isMoved)) {
      const columns = all('SELECT name, pk FROM pragma_table_info(?) ORDER BY pk', table)
      const key = columns.filter(({ pk }) => Number(pk) > 0).map(({ name }) => String(name))
      const rows = database.prepare(`SELECT * FROM ${table} ORDER BY ${key.join(', ')}`).iterate()
      await exporter.add(table, rows)
    }
    const counters = all('SELECT name, seq FROM sqlite_sequence ORDER BY name')
    return exporter.end(Object.fromEntries(counters.map(({ name, seq }) => [String(name), Number(seq)])))
  } finally {
    database.close()
  }
}

export async function exportDatabase(uri: string): Promise<ExportedStorage> {
  const client = new Client({ connectionString: uri })
  await client.connect()
  const all = async (sql: string, ...values: string[]): Promise<readonly Row[]> =>
    (await client.query<Row>(sql, values)).rows
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const names = await all("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    const exporter = new Exporter(async name => {
      const chunks = await all('SELECT bytes FROM mail_data_chunk WHERE file_name = $1 ORDER BY number', name)
      return chunks.map(({ bytes }) => bytes as Buffer)
    })
    for (const table of names.map(({ name }) => String(name)).filter(isMoved)) {
      const columns = await all(
        `SELECT attname AS name FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
          WHERE indrelid = CAST($1 AS regclass) AND indisprimary ORDER BY array_position(indkey, attnum)`,
        table,
      )
      const key = columns.map(({ name }) => String(name))
      await exporter.add(table, fetchRows(client, `SELECT * FROM ${table} ORDER BY ${key.join(', ')}`))
    }
    const counters: Record<string, number> = {}
    for (const table of ['account', 'mailbox', 'queue_recipient']) {
      const [row] = await all(`SELECT last_value, is_called FROM ${table}_id_seq`)
      if (row?.['is_called'] === true) counters[table] = Number(row['last_value'])
    }
    return exporter.end(counters)
  } finally {
    await client.end()
  }
}

async function* fetchRows(client: Client, sql: string): AsyncIterable<Row> {
  await client.query(`DECLARE rows CURSOR FOR ${sql}`)
  for (;;) {
    const { rows } = await client.query<Row>('FETCH 500 FROM rows')
    if (rows.length === 0) break
    yield* rows
  }
  await client.query('CLOSE rows')
}

class Exporter {
  readonly #readFile: (name: string) => Promise<readonly Uint8Array[]>
  readonly #tables = new Map<string, ExportedTable>()
  #mailDataBytes = 0

  constructor(readFile: (name: string) => Promise<readonly Uint8Array[]>) {
    this.#readFile = readFile
  }

  async add(table: string, rows: Iterable<Row> | AsyncIterable<Row>): Promise<void> {
    const sum = createHash('sha256')
    let count = 0
    for await (const row of rows) {
      const columns = Object.keys(row).toSorted()
      const values = columns.map(column => [column, canonical(row[column])])
      sum.update(`${JSON.stringify(values)}\n`)
      if (table === 'mail_data') sum.update(await this.#readMailData(row))
      count++
    }
    this.#tables.set(table, { rows: count, checksum: sum.digest('hex') })
  }

  end(counters: Readonly<Record<string, number>>): ExportedStorage {
    const tables = [...this.#tables].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return { tables: Object.fromEntries(tables), mailDataBytes: this.#mailDataBytes, counters }
  }

  async #readMailData({ bytes, file_name: name }: Row): Promise<string> {
    const sum = createHash('sha256')
    const chunks = typeof name === 'string' ? await this.#readFile(name) : [bytes as Uint8Array]
    for (const chunk of chunks) {
      sum.update(chunk)
      this.#mailDataBytes += chunk.length
    }
    return sum.digest('hex')
  }
}

/** Numbers as text: the engines' drivers differ in what they make of large ones. */
function canonical(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${createHash('sha256').update(value).digest('hex')}`
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
}
