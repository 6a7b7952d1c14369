// One writer that commits together what waits together; each operation still succeeds or fails by itself.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { defineRead, defineWrite } from '../../src/storage/operation.ts'
import { databaseFileName } from '../../src/storage/sqlite-connection.ts'
import { countCommits } from './count-commits.ts'
import { addNote, createNotes, listNotes, makeFolder, openStorage } from './notes.ts'

test('what is asked for in one turn of the event loop is committed once', async t => {
  const folder = makeFolder(t)
  const storage = await openStorage(t, folder)
  await storage.run(createNotes, undefined)
  const before = countCommits(folder)
  const ids = await Promise.all(
    Array.from({ length: 200 }, (_, id) => storage.run(addNote, { id, text: `note ${id}` })),
  )
  assert.deepEqual(
    ids,
    Array.from({ length: 200 }, (_, id) => id),
  )
  assert.equal(countCommits(folder) - before, 1)
})

test('nobody outside sees a part of a transaction', async t => {
  const folder = makeFolder(t)
  const storage = await openStorage(t, folder)
  await storage.run(createNotes, undefined)
  const outside = new DatabaseSync(join(folder, databaseFileName), { readOnly: true })
  const seen: unknown[] = []
  const look = defineWrite('note.look', async tx => {
    const inside = await tx.get<{ count: number }>('SELECT count(*) AS count FROM note')
    seen.push(inside?.count, outside.prepare('SELECT count(*) AS count FROM note').get()?.['count'])
  })
  await Promise.all([
    storage.run(addNote, { id: 1, text: 'one' }),
    storage.run(look, undefined),
    storage.run(addNote, { id: 2, text: 'two' }),
    storage.run(look, undefined),
  ])
  // Each sees those before it in its own transaction, in the order in which they were asked for.
  assert.deepEqual(seen, [1, 0, 2, 0])
  assert.equal(outside.prepare('SELECT count(*) AS count FROM note').get()?.['count'], 2)
  outside.close()
})

test('a read sees one state from its first statement to its last', async t => {
  const folder = makeFolder(t)
  const storage = await openStorage(t, folder)
  await storage.run(createNotes, undefined)
  const other = new DatabaseSync(join(folder, databaseFileName))
  const readTwice = defineRead('note.read-twice', async tx => {
    const first = await tx.all('SELECT * FROM note')
    other.exec("INSERT INTO note (text) VALUES ('meanwhile')")
    return [first.length, (await tx.all('SELECT * FROM note')).length]
  })
  assert.deepEqual(await storage.run(readTwice, undefined), [0, 0])
  assert.equal((await storage.run(listNotes, undefined)).length, 1)
  other.close()
})
