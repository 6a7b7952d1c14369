// One writer that commits together what waits together; each operation still succeeds or fails by itself.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { defineRead, defineWrite } from '../../src/storage/operation.ts'
import { databaseFileName } from '../../src/storage/sqlite-connection.ts'
import {
  addNote,
  addNoteAndFail,
  addNoteAndWake,
  createNotes,
  listNotes,
  makeFolder,
  openStorage,
} from './notes.ts'

/** https://sqlite.org/fileformat2.html#walformat: frames whose size field is not 0 end a transaction. */
function countCommits(folder: string): number {
  const log = readFileSync(join(folder, `${databaseFileName}-wal`))
  const frameBytes = 24 + log.readUInt32BE(8)
  let commits = 0
  for (let at = 32; at + frameBytes <= log.length; at += frameBytes)
    if (log.readUInt32BE(at + 4) > 0) commits++
  return commits
}

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

test('an operation that fails harms only itself', async t => {
  const storage = await openStorage(t, makeFolder(t))
  await storage.run(createNotes, undefined)
  const outcomes = await Promise.allSettled([
    storage.run(addNote, { id: 1, text: 'one' }),
    storage.run(addNoteAndFail, { id: 2, text: 'two' }),
    storage.run(addNote, { id: 3, text: 'three' }),
    // The same id again: SQLite refuses it.
    storage.run(addNote, { id: 3, text: 'three again' }),
    storage.run(addNote, { id: 4, text: 'four' }),
  ])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
  )
  const [, failed, , refused] = outcomes
  assert.match(String(failed?.status === 'rejected' && failed.reason), /no more after two/)
  assert.match(String(refused?.status === 'rejected' && refused.reason), /UNIQUE constraint/)
  assert.deepEqual(
    (await storage.run(listNotes, undefined)).map(({ text }) => text),
    ['one', 'three', 'four'],
  )
})

test('an operation that throws before it awaits, and one that rejects with no error, are like any other', async t => {
  const storage = await openStorage(t, makeFolder(t))
  await storage.run(createNotes, undefined)
  const throwing = {
    name: 'note.throw',
    access: 'write' as const,
    run: (): Promise<void> => {
      throw new Error('at once')
    },
  }
  const outcomes = await Promise.allSettled([
    storage.run(throwing, undefined),
    storage.run(addNote, { id: 1, text: 'one' }),
  ])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  )
  assert.equal((await storage.run(listNotes, undefined)).length, 1)
})

test('a read that begins after a write has resolved sees it, whatever else is being read', async t => {
  const storage = await openStorage(t, makeFolder(t))
  await storage.run(createNotes, undefined)
  const readSlowly = defineRead('note.read-slowly', async tx => {
    for (let i = 0; i < 100; i++) await tx.get('SELECT count(*) AS count FROM note')
  })
  const seen: number[][] = []
  // The failure makes each run alone, so that the second is committed while the first one's reader is at work.
  await Promise.allSettled([
    storage.run(addNote, { id: 1, text: 'one' }).then(() => storage.run(readSlowly, undefined)),
    storage.run(addNoteAndFail, { id: 2, text: 'two' }),
    ...[3, 4, 5].map(async id => {
      await storage.run(addNote, { id, text: 'x' })
      seen.push((await storage.run(listNotes, undefined)).map(note => note.id))
    }),
  ])
  assert.deepEqual(
    seen.map((ids, index) => ids.includes(index + 3)),
    [true, true, true],
  )
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

test('a read cannot write', async t => {
  const storage = await openStorage(t, makeFolder(t))
  await storage.run(createNotes, undefined)
  const sneak = defineRead('note.sneak', async tx => {
    await tx.run("INSERT INTO note (text) VALUES ('sneaked in')")
  })
  await assert.rejects(storage.run(sneak, undefined))
  assert.equal((await storage.run(listNotes, undefined)).length, 0)
})

test('a read that fails leaves the next one in order', async t => {
  const storage = await openStorage(t, makeFolder(t))
  const fail = defineRead('note.fail', async tx => await tx.get('SELECT * FROM nowhere'))
  await assert.rejects(storage.run(fail, undefined), /nowhere/)
  await storage.run(createNotes, undefined)
  assert.deepEqual(await storage.run(listNotes, undefined), [])
})

test('who listens is called after the commit, once for all that it held, and not for what failed', async t => {
  const storage = await openStorage(t, makeFolder(t))
  await storage.run(createNotes, undefined)
  const seen: number[] = []
  let called = (): void => {}
  storage.onWake('queue', () => {
    void storage.run(listNotes, undefined).then(notes => {
      seen.push(notes.length)
      called()
    })
  })
  const next = (): Promise<void> =>
    new Promise(resolve => {
      called = resolve
    })

  const first = next()
  await Promise.all([1, 2, 3].map(id => storage.run(addNoteAndWake, { id, text: 'x' })))
  await first
  assert.deepEqual(seen, [3])

  // One that does not wake, and one that would but fails: silence, which the call after them proves.
  await storage.run(addNote, { id: 4, text: 'x' })
  await assert.rejects(storage.run(addNoteAndWake, { id: 4, text: 'twice' }))
  const second = next()
  await storage.run(addNoteAndWake, { id: 5, text: 'x' })
  await second
  assert.deepEqual(seen, [3, 5])
})

test('closing waits for the writes that were asked for; later ones are refused', async t => {
  const folder = makeFolder(t)
  const storage = await openStorage(t, folder)
  await storage.run(createNotes, undefined)
  const write = storage.run(addNote, { id: 1, text: 'just before' })
  await storage.close()
  assert.equal(await write, 1)
  await assert.rejects(storage.run(addNote, { id: 2, text: 'too late' }), { code: 'STORAGE_GONE' })
  const again = await openStorage(t, folder)
  assert.deepEqual(
    (await again.run(listNotes, undefined)).map(({ text }) => text),
    ['just before'],
  )
})

test('two operations of one name are refused', async () => {
  const { createOperationRegistry } = await import('../../src/storage/operation.ts')
  assert.throws(() => createOperationRegistry([addNote, { ...addNote }]), /note\.add/)
})
