// Chunks of mail data that no row names: what a server left that died while it received a message.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { removeOrphanChunks } from '../../src/storage/postgres/mail-data-chunks.ts'
import { type PostgresServer, queryPostgres, startPostgres } from '../harness/postgres-server.ts'
import { collectLog, openStorage } from './node.ts'

let database: PostgresServer

before(async () => {
  database = await startPostgres({ settings: ['fsync = off'] })
})
after(() => database.stop())

test('they go once they are old, however few are looked at together; what a row names stays', async t => {
  const uri = await database.createDatabase('orphans')
  const storage = await openStorage(t, uri, collectLog().log)
  const day = 24 * 3_600_000
  const put = (name: string, ...writtenAt: readonly number[]): Promise<unknown> =>
    queryPostgres(
      uri,
      `INSERT INTO mail_data_chunk (file_name, number, written_at, bytes)
        VALUES ${writtenAt.map((at, number) => `('${name}', ${number}, ${at}, 'x')`).join(', ')}`,
    )
  await put('a-old', 1, 2, 3, 4)
  await put('b-named', 1, 2)
  await put('c-old', 5)
  await put('d-coming-in', 1, 2, day + 1)
  await put('e-old', 7, 8)
  await queryPostgres(
    uri,
    "INSERT INTO mail_data (id, size, checksum, bytes, file_name) VALUES (1, 2, '', NULL, 'b-named')",
  )
  const removeAll = async (limit: number): Promise<void> => {
    for (let from: string | undefined = ''; from !== undefined; )
      from = await storage.run(removeOrphanChunks, { before: day, after: from, limit })
  }
  const left = async (): Promise<string[]> => {
    const rows = await queryPostgres<{ file_name: string; chunks: string }>(
      uri,
      'SELECT file_name, count(*) AS chunks FROM mail_data_chunk GROUP BY file_name ORDER BY file_name',
    )
    return rows.map(row => `${row.file_name} ${row.chunks}`)
  }
  await removeAll(2)
  assert.deepEqual(await left(), ['b-named 2', 'd-coming-in 3'])
  await removeAll(1000)
  assert.deepEqual(await left(), ['b-named 2', 'd-coming-in 3'])
})
