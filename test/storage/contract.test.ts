// What storage promises on every engine: each operation succeeds or fails by itself, reads see what was written, and who
// listens is told after the commit.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOperationRegistry, defineRead } from '../../src/storage/operation.ts'
import { openTestStorage } from '../harness/test-storage.ts'
import { addNote, addNoteAndFail, addNoteAndWake, createNotes, listNotes, wakeForNote } from './notes.ts'

test('an operation that fails harms only itself', async t => {
  const { storage } = await openTestStorage(t)
  await storage.run(createNotes, undefined)
  const outcomes = await Promise.allSettled([
    storage.run(addNote, { id: 1, text: 'one' }),
    storage.run(addNoteAndFail, { id: 2, text: 'two' }),
    storage.run(addNote, { id: 3, text: 'three' }),
    // The same id again: the engine refuses it.
    storage.run(addNote, { id: 3, text: 'three again' }),
    storage.run(addNote, { id: 4, text: 'four' }),
  ])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
  )
  const [, failed, , refused] = outcomes
  assert.match(String(failed?.status === 'rejected' && failed.reason), /no more after two/)
  assert.match(String(refused?.status === 'rejected' && refused.reason), /UNIQUE constraint|duplicate key/)
  assert.deepEqual(
    (await storage.run(listNotes, undefined)).map(({ text }) => text),
    ['one', 'three', 'four'],
  )
})

test('an operation that throws before it awaits, and one that rejects with no error, are like any other', async t => {
  const { storage } = await openTestStorage(t)
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
  const { storage } = await openTestStorage(t)
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

test('a read cannot write', async t => {
  const { storage } = await openTestStorage(t)
  await storage.run(createNotes, undefined)
  const sneak = defineRead('note.sneak', async tx => {
    await tx.run("INSERT INTO note (text) VALUES ('sneaked in')")
  })
  await assert.rejects(storage.run(sneak, undefined))
  assert.equal((await storage.run(listNotes, undefined)).length, 0)
})

test('a read that fails leaves the next one in order', async t => {
  const { storage } = await openTestStorage(t)
  const fail = defineRead('note.fail', async tx => await tx.get('SELECT * FROM nowhere'))
  await assert.rejects(storage.run(fail, undefined), /nowhere/)
  await storage.run(createNotes, undefined)
  assert.deepEqual(await storage.run(listNotes, undefined), [])
})

test('who listens is called after the commit, once for all that it held, and not for what failed', async t => {
  const { storage } = await openTestStorage(t)
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

test('who listens is told which keys were woken, of what was committed', async t => {
  const { storage } = await openTestStorage(t)
  await storage.run(createNotes, undefined)
  const told: number[] = []
  storage.onWake('mailbox', keys => told.push(...(keys ?? [Number.NaN])))
  await Promise.allSettled([
    storage.run(wakeForNote, { id: 7, text: 'seven' }),
    storage.run(wakeForNote, { id: 8, text: 'eight' }),
    // Refused by the engine: the keys of the others are told all the same, and this one's not.
    storage.run(wakeForNote, { id: 9, text: 'nine', failing: true }),
  ])
  await storage.run(wakeForNote, { id: 7, text: 'seven' })
  assert.deepEqual(told.toSorted(), [7, 7, 8])
})

test('closing waits for the writes that were asked for; later ones are refused', async t => {
  const { storage, openAgain } = await openTestStorage(t)
  await storage.run(createNotes, undefined)
  const write = storage.run(addNote, { id: 1, text: 'just before' })
  await storage.close()
  assert.equal(await write, 1)
  await assert.rejects(storage.run(addNote, { id: 2, text: 'too late' }), { code: 'STORAGE_GONE' })
  const again = await openAgain()
  t.after(() => again.close())
  assert.deepEqual(
    (await again.run(listNotes, undefined)).map(({ text }) => text),
    ['just before'],
  )
})

test('two operations of one name are refused', () => {
  assert.throws(() => createOperationRegistry([addNote, { ...addNote }]), /note\.add/)
})
