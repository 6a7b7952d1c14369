// A data folder of an older version is brought up to date, with what is in it.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { migrations } from '../../src/storage/migrations/index.ts'
import { databaseFileName } from '../../src/storage/sqlite-connection.ts'
import { makeFolder, openStorage } from './notes.ts'

test('2: the number of expansions gives way to their addresses, and recipients stay', async t => {
  const folder = makeFolder(t)
  const file = join(folder, databaseFileName)
  const old = new DatabaseSync(file)
  old.exec(`${migrations[0]}; PRAGMA user_version = 1;
    INSERT INTO queue_recipient (message_id, forward_path, domain, state, due_at, attempts, expansions)
      VALUES (7, 'anna@example.test', 'example.test', 'ready', 1, 2, 3)`)
  old.close()
  const storage = await openStorage(t, folder)
  await storage.close()
  const database = new DatabaseSync(file)
  t.after(() => database.close())
  const row = database.prepare('SELECT * FROM queue_recipient').get()
  assert.equal(row?.['forward_path'], 'anna@example.test')
  assert.equal(row['attempts'], 2)
  assert.ok(!('expansions' in row))
})
