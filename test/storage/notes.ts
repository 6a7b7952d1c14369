// A data folder for a test, and operations on a table of the test's own: what storage promises, without the queue.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type LocalStorage, openLocalStorage } from '../../src/storage/local-storage.ts'
import { type AnyOperation, defineRead, defineWrite, type Operation } from '../../src/storage/operation.ts'

export function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-storage-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function openStorage(t: TestContext, folder: string): Promise<LocalStorage> {
  const storage = await openLocalStorage(folder)
  t.after(() => storage.close())
  return storage
}

export const createNotes = defineWrite('note.create', async tx => {
  await tx.run('CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)')
})

export interface Note {
  readonly id: number
  readonly text: string
}

export const addNote = defineWrite('note.add', async (tx, { id, text }: Note): Promise<number> => {
  await tx.run('INSERT INTO note (id, text) VALUES (?, ?)', id, text)
  return id
})

/** Writes, and then fails. */
export const addNoteAndFail = defineWrite('note.add-and-fail', async (tx, { id, text }: Note) => {
  await tx.run('INSERT INTO note (id, text) VALUES (?, ?)', id, text)
  throw new Error(`no more after ${text}`)
})

export const addNoteAndWake: Operation<Note, void> = {
  name: 'note.add-and-wake',
  access: 'write',
  wakes: 'queue',
  async run(tx, { id, text }) {
    await tx.run('INSERT INTO note (id, text) VALUES (?, ?)', id, text)
  },
}

/** Wakes whoever listens to mailboxes, with the id of the note. */
export const wakeForNote = defineWrite(
  'note.wake',
  async (tx, { id, failing }: Note & { readonly failing?: boolean }) => {
    tx.wake('mailbox', id)
    if (failing) throw new Error('woken in vain')
    await tx.run('DELETE FROM note WHERE id = ?', id)
  },
)

export const listNotes = defineRead(
  'note.list',
  async (tx): Promise<Note[]> => await tx.all<Note>('SELECT id, text FROM note ORDER BY id'),
)

export const noteOperations: readonly AnyOperation[] = [
  createNotes,
  addNote,
  addNoteAndFail,
  addNoteAndWake,
  listNotes,
]

/** One SQL statement in a write of its own. */
export function execute(sql: string): Operation<undefined, void> {
  return defineWrite('test.execute', async tx => {
    await tx.run(sql)
  })
}

export function setPragma(pragma: string): Operation<undefined, unknown> {
  return defineWrite('test.pragma', async tx => await tx.get(`PRAGMA ${pragma}`))
}
