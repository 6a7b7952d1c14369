// What storage does about files without rows, rows without files, and databases that are gone or damaged.
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { systemRandom } from '../../src/runtime/random.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import type { StoredMailData } from '../../src/storage/mail-data.ts'
import { mailDataFile, openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { insertMailData } from '../../src/storage/mail-data-rows.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { databaseFileName } from '../../src/storage/sqlite-connection.ts'
import { StorageFault } from '../../src/storage/storage-fault.ts'
import { orphanFolderName, sweepOrphans } from '../../src/storage/sweep-orphans.ts'
import { type StorageFinding, verifyStorage } from '../../src/storage/verify-storage.ts'
import { addNote, createNotes, makeFolder, openStorage } from './notes.ts'

const orphan = `ab/${'0'.repeat(30)}.eml`
const startedAt = Date.UTC(2026, 0, 2)

/** A mail data file without a row, last written at a time. */
function leaveFile(folder: string, name: string, writtenAt: number): void {
  const file = mailDataFile(folder, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, 'Subject: nobody knows\r\n')
  utimesSync(file, writtenAt / 1000, writtenAt / 1000)
}

function changeByHand(folder: string, statements: string): void {
  const database = new DatabaseSync(join(folder, databaseFileName))
  database.exec(statements)
  database.close()
}

const verify = async (folder: string): Promise<readonly StorageFinding[]> => {
  const { findings } = await verifyStorage(
    folder,
    reader => createMailDataStore(openMailDataFiles(folder, systemRandom), reader),
    () => Promise.resolve({ verifyRows: () => Promise.resolve([]) }),
  )
  return findings
}

test('a file without a row from before the start is moved aside, not deleted; a younger one is left alone', async t => {
  const folder = makeFolder(t)
  const storage = await openStorage(t, folder)
  const young = `cd/${'1'.repeat(30)}.eml`
  leaveFile(folder, orphan, startedAt - 1)
  leaveFile(folder, young, startedAt + 1)
  assert.equal(await sweepOrphans(folder, storage, startedAt), 1)
  assert.deepEqual(readdirSync(join(folder, orphanFolderName)), [orphan.replace('/', '-')])
  assert.ok(existsSync(mailDataFile(folder, young)))
})

test('a file with a row is no orphan, however old', async t => {
  const folder = makeFolder(t)
  const storage = await openStorage(t, folder)
  leaveFile(folder, orphan, startedAt - 1)
  const insert = defineWrite('test.insert', async tx => {
    await insertMailData(tx, 1, {
      size: 1,
      checksum: new Uint8Array(32),
      location: { kind: 'file', name: orphan },
    })
  })
  await storage.run(insert, undefined)
  assert.equal(await sweepOrphans(folder, storage, startedAt), 0)
  assert.ok(existsSync(mailDataFile(folder, orphan)))
})

for (const { what, lose } of [
  { what: 'missing', lose: (file: string) => rmSync(file) },
  { what: 'empty', lose: (file: string) => truncateSync(file) },
]) {
  test(`a database that is ${what} is not begun anew beside mail`, async t => {
    const folder = makeFolder(t)
    await (await openLocalStorage(folder)).close()
    leaveFile(folder, orphan, startedAt)
    lose(join(folder, databaseFileName))
    await assert.rejects(openLocalStorage(folder), { code: 'STORAGE_MISSING' })
    assert.ok(existsSync(mailDataFile(folder, orphan)))
  })
}

test('the database is for its owner only', async t => {
  const folder = makeFolder(t)
  const storage = await openStorage(t, folder)
  await storage.run(createNotes, undefined)
  for (const file of readdirSync(folder).filter(name => name.startsWith(databaseFileName)))
    assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file)
})

test('verify finds a database that was cut, and one whose beginning is gone', async t => {
  for (const damage of ['cut', 'overwritten']) {
    const folder = makeFolder(t)
    const storage = await openLocalStorage(folder)
    await storage.run(createNotes, undefined)
    for (let id = 0; id < 2000; id++) void storage.run(addNote, { id, text: 'x'.repeat(100) })
    await storage.close()
    const file = join(folder, databaseFileName)
    if (damage === 'cut') truncateSync(file, Math.floor(statSync(file).size / 2 / 8192) * 8192)
    else writeFileSync(file, Buffer.alloc(100, 0x58), { flag: 'r+' })
    const [finding] = await verify(folder)
    assert.equal(finding?.kind, 'database', damage)
    assert.match(finding.problem, /damaged/, damage)
  }
})

for (const { what, statement, problem } of [
  {
    what: 'a table',
    statement: 'DROP TABLE queue_recipient',
    problem: 'The table queue_recipient is missing.',
  },
  {
    what: 'an index',
    statement: 'DROP INDEX queue_recipient_due',
    problem: 'The index queue_recipient_due is missing.',
  },
  {
    what: 'a column',
    statement: 'ALTER TABLE queue_recipient DROP COLUMN last_diagnosis',
    problem: 'The column queue_recipient.last_diagnosis is missing.',
  },
]) {
  test(`verify names ${what} that is missing, and nothing opens such a database`, async t => {
    const folder = makeFolder(t)
    await (await openLocalStorage(folder)).close()
    changeByHand(folder, statement)
    assert.ok((await verify(folder)).some(finding => finding.problem === problem))
    await assert.rejects(openLocalStorage(folder), fault => {
      assert.ok(fault instanceof StorageFault && fault.code === 'STORAGE_DAMAGED')
      assert.ok(fault.message.includes(problem), fault.message)
      return true
    })
  })
}

test('what an administrator added to the database is no damage', async t => {
  const folder = makeFolder(t)
  await (await openLocalStorage(folder)).close()
  changeByHand(folder, 'CREATE TABLE mine (id INTEGER); CREATE INDEX mine_too ON mail_data (size)')
  assert.deepEqual(await verify(folder), [])
  await (await openLocalStorage(folder)).close()
})

test('a database whose schema number was lost is not migrated over what it holds', async t => {
  const folder = makeFolder(t)
  await (await openLocalStorage(folder)).close()
  changeByHand(folder, 'PRAGMA user_version=0')
  await assert.rejects(openLocalStorage(folder), { code: 'STORAGE_DAMAGED', message: /already exists/ })
})

test('what lies in the mail folder without being a folder disturbs nobody', async t => {
  const folder = makeFolder(t)
  await openStorage(t, folder)
  writeFileSync(join(folder, 'mail', 'notes.txt'), 'mine')
  assert.deepEqual(await verify(folder), [])
})

test('of several mail data the small ones are read at once, each against its checksum', async t => {
  const folder = makeFolder(t)
  const storage = await openStorage(t, folder)
  const store = createMailDataStore(openMailDataFiles(folder, systemRandom), storage)
  const keep = defineWrite(
    'test.keep',
    async (tx, { id, mailData }: { id: number; mailData: StoredMailData }) => {
      await insertMailData(tx, id, mailData)
    },
  )
  for (const [id, size] of [
    [1, 5],
    [2, 200_000],
    [3, 7],
  ] as const) {
    const writer = store.create()
    await writer.write(Buffer.alloc(size, 'x'))
    await storage.run(keep, { id, mailData: await writer.finish() })
  }
  const small = await store.readSmall([1, 2, 3, 4])
  assert.deepEqual(
    [...small].map(([id, bytes]) => `${id} ${Buffer.from(bytes).toString()}`),
    ['1 xxxxx', '3 xxxxxxx'],
  )
  const change = defineWrite('test.change', async tx => {
    await tx.run('UPDATE mail_data SET bytes = ? WHERE id = 3', Buffer.from('damaged'))
  })
  await storage.run(change, undefined)
  await assert.rejects(store.readSmall([1, 3]), { code: 'STORAGE_DAMAGED' })
})
