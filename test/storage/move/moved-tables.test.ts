// No table of the schema is forgotten by a move, whichever migration made it.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openLocalStorage } from '../../../src/storage/local-storage.ts'
import {
  isIndexOfWords,
  listMovedTables,
  tablesOfIndex,
  tablesOfServers,
} from '../../../src/storage/move/moved-tables.ts'
import { databaseFileName } from '../../../src/storage/sqlite-connection.ts'
import { move } from '../../harness/moves.ts'
import { makeFolder } from '../notes.ts'

interface Column {
  readonly name: string
  readonly type: 'INTEGER' | 'TEXT' | 'BLOB'
}

function open(folder: string): DatabaseSync {
  return new DatabaseSync(join(folder, databaseFileName))
}

/** Whoever adds a table may leave it out only here, and has to say why. */
const leftOut = new Map([
  ['node', 'servers that run: none does'],
  ['lease_owner', 'who of them holds leases: nobody does'],
  ['id_space', 'who of them makes which queue ids: nobody does'],
  ['maildrop_lock', 'who reads which mailbox by POP3: nobody does'],
  ['indexed_message', 'the index of words is made anew'],
  ['words_wanted', 'which is to be of all messages'],
])

test('a row of every table arrives, with every column; only what is about running servers stays behind', async t => {
  const [from, to] = [makeFolder(t), makeFolder(t)]
  await (await openLocalStorage(from)).close()
  const source = open(from)
  const tables = source
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    .all()
    .map(({ name }) => String(name))
    .filter(name => !isIndexOfWords(name))
  for (const table of tables) {
    const columns = source
      .prepare('SELECT name, type FROM pragma_table_info(?)')
      .all(table) as unknown as Column[]
    const valueOf = (type: Column['type'], n: number): number | string | Uint8Array =>
      type === 'INTEGER' ? n + 7 : type === 'TEXT' ? `тест ${n}` : new Uint8Array(32).fill(n)
    // Its checksum fits nothing, and no file is there: what the table of mail data holds arrives all the same.
    source
      .prepare(`INSERT INTO ${table} VALUES (${columns.map(() => '?').join(', ')})`)
      .run(...columns.map(({ type }, n) => valueOf(type, n)))
  }
  source.exec('UPDATE queue_recipient SET lease_owner = NULL')
  const rowsOf = (database: DatabaseSync, table: string): unknown =>
    database.prepare(`SELECT * FROM ${table}`).all()
  const expected = new Map(tables.map(table => [table, leftOut.has(table) ? [] : rowsOf(source, table)]))
  source.close()
  assert.equal((await move(from, to, { withDamage: true })).finished, true)
  const target = open(to)
  t.after(() => target.close())
  for (const table of tables) assert.deepEqual(rowsOf(target, table), expected.get(table), table)
})

test('what is left out is what this test knows of', () => {
  assert.deepEqual([...tablesOfServers, ...tablesOfIndex], [...leftOut.keys()])
})

test('ids that never come back are known as such', () => {
  const never = listMovedTables().filter(({ ids }) => ids === 'never-again')
  assert.deepEqual(
    never.map(({ name }) => name),
    ['queue_recipient', 'account', 'app_password', 'script', 'mailbox'],
  )
})
