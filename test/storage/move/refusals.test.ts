// What keeps a move from beginning, and what keeps others away from it: each with a message that says what to do.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it, test } from 'node:test'
import { openLocalStorage } from '../../../src/storage/local-storage.ts'
import { mailDataFile } from '../../../src/storage/mail-data-files.ts'
import { lockDatabase } from '../../../src/storage/postgres/lock-database.ts'
import { databaseFileName } from '../../../src/storage/sqlite-connection.ts'
import { exportFolder } from '../../harness/export-storage.ts'
import { hashFiles } from '../../harness/migrate-round-trip.ts'
import { killWhileMoving, move } from '../../harness/moves.ts'
import {
  addressOf,
  type PostgresServer,
  queryPostgres,
  startPostgres,
} from '../../harness/postgres-server.ts'
import type { ProgramResult } from '../../harness/programs.ts'
import { createServerFolder, type ServerFolder, startServer } from '../../harness/server-process.ts'
import { makeFolder } from '../notes.ts'
import { makeStock } from './make-stock.ts'

function assertRefused({ exitCode, stdout, stderr }: ProgramResult, says: RegExp): void {
  assert.equal(exitCode, 1, stdout)
  assert.match(stderr, says)
  assert.doesNotMatch(stderr, /\bat .*:\d+:\d+/)
}

function changeByHand(folder: string, statements: string): void {
  const database = new DatabaseSync(join(folder, databaseFileName))
  database.exec(statements)
  database.close()
}

test('a server on the source, or on the target, is to be stopped first', { timeout: 120_000 }, async t => {
  const [one, other] = [await createServerFolder(), await createServerFolder()]
  t.after(() => Promise.all([one.remove(), other.remove()]))
  const server = await startServer(one)
  t.after(() => server.stop())
  const says = /Another Postrider runs on the data folder .* Stop it first/
  assertRefused(await one.tryPostrider('migrate', other.dataFolder), says)
  await other.postrider('domain', 'create', 'example.test')
  assertRefused(await other.tryPostrider('migrate', one.dataFolder), says)
})

test('a target where something is stays as it is', async t => {
  const from = await makeStock(t)
  const to = await makeStock(t, { messages: 1, mailboxes: 1, queued: 0 })
  const files = hashFiles(to)
  await assert.rejects(move(from, to), { code: 'STORAGE_NOT_EMPTY', message: /there are rows in mail_data/ })
  await assert.rejects(move(from, to, { anew: true }), { code: 'STORAGE_NOT_EMPTY' })
  assert.deepEqual(hashFiles(to), files)
  await (await openLocalStorage(to)).close()
})

test('mail without a database is something', async t => {
  const from = await makeStock(t)
  const to = makeFolder(t)
  const name = `ab/${'0'.repeat(30)}.eml`
  mkdirSync(dirname(mailDataFile(to, name)), { recursive: true })
  writeFileSync(mailDataFile(to, name), 'Subject: the only copy\r\n')
  await assert.rejects(move(from, to), { code: 'STORAGE_NOT_EMPTY', message: new RegExp(`mail/${name}`) })
  // Nor does a server begin anew beside it afterwards.
  await assert.rejects(openLocalStorage(to), { code: 'STORAGE_MISSING' })
})

test('a folder that a server has made, and where nothing is yet, is empty', async t => {
  const from = await makeStock(t)
  const to = makeFolder(t)
  await (await openLocalStorage(to)).close()
  assert.equal((await move(from, to)).finished, true)
  assert.deepEqual(await exportFolder(to), await exportFolder(from))
})

test('an address that is none is not repeated: it may hold a password', async t => {
  const at = await createServerFolder()
  t.after(() => at.remove())
  for (const to of ['postgre://me:secret@db.example/x', 'postgres:/me:secret@db.example/x']) {
    const { exitCode, stderr } = await at.tryPostrider('migrate', to)
    assert.equal(exitCode, 2)
    assert.match(stderr, /no place to move to.*postgres:\/\/user:password@.*Or name a folder/)
    assert.doesNotMatch(stderr, /secret/)
  }
})

test('nowhere, and to itself', async t => {
  const from = await makeStock(t)
  await assert.rejects(move(from, from), { code: 'MOVE_NOWHERE' })
  const empty = makeFolder(t)
  await assert.rejects(move(join(empty, 'none'), from), {
    code: 'STORAGE_MISSING',
    message: /nothing to move/,
  })
  assert.ok(!existsSync(join(empty, 'none')))
})

for (const { what, version, says } of [
  { what: 'an older', version: 1, says: /older version .* Start the server once/ },
  { what: 'a newer', version: 999, says: /newer version .* Move it with that version/ },
]) {
  test(`a source of ${what} version`, async t => {
    const from = await makeStock(t, { messages: 1, mailboxes: 1, queued: 0 })
    const to = makeFolder(t)
    changeByHand(from, `PRAGMA user_version = ${version}`)
    await assert.rejects(move(from, to), { code: 'STORAGE_NEWER', message: says })
    assert.ok(!existsSync(join(to, databaseFileName)))
  })
}

test('a source that is damaged as a whole, and one that is half of something', async t => {
  const damaged = await makeStock(t, { messages: 1, mailboxes: 1, queued: 0 })
  changeByHand(damaged, 'DROP TABLE trail_event')
  const to = makeFolder(t)
  await assert.rejects(move(damaged, to), { code: 'STORAGE_DAMAGED', message: /trail_event is missing/ })
  const from = await makeStock(t)
  await killWhileMoving({ from, to, at: { stage: 'counted', report: 1 } })
  await assert.rejects(move(to, makeFolder(t)), { code: 'STORAGE_UNFINISHED' })
})

test('of an unfinished target no command shows a half for the whole', { timeout: 120_000 }, async t => {
  const at = await createServerFolder({ dataFolder: makeFolder(t) })
  t.after(() => at.remove())
  await killWhileMoving({ from: await makeStock(t), to: at.dataFolder, at: { stage: 'counted', report: 1 } })
  const says = /is being moved there from .* repeat the command that moves it/
  for (const command of [['serve'], ['queue', 'list'], ['account', 'list'], ['verify'], ['export']])
    assertRefused(await at.tryPostrider(...command), says)
})

describe('PostgreSQL', { timeout: 200_000 }, () => {
  let database: PostgresServer
  const folders: ServerFolder[] = []
  const createFolder = async (uri: string): Promise<ServerFolder> => {
    const folder = await createServerFolder({ settings: `storage = "${uri}"` })
    folders.push(folder)
    return folder
  }
  before(async () => {
    database = await startPostgres({ settings: ['fsync = off'] })
  })
  after(async () => {
    await Promise.all(folders.map(folder => folder.remove()))
    await database.stop()
  })

  it('that a server uses is neither left nor entered', async t => {
    const uri = await database.createDatabase('in_use')
    const server = await startServer(await createFolder(uri))
    t.after(() => server.stop())
    // From a machine with a data folder of its own.
    const elsewhere = await createFolder(uri)
    const says = /Another Postrider is connected to the database at .*\/in_use\. Stop every server/
    assertRefused(await elsewhere.tryPostrider('migrate', makeFolder(t)), says)
    const sqlite = await createServerFolder({ dataFolder: await makeStock(t) })
    folders.push(sqlite)
    assertRefused(await sqlite.tryPostrider('migrate', uri), says)
  })

  it('lets nobody in while it is being moved', async () => {
    const uri = await database.createDatabase('being_moved')
    const address = addressOf(uri)
    const lock = await lockDatabase(address)
    const at = await createFolder(uri)
    const says = /being_moved is being moved just now\. Wait until that has ended/
    assertRefused(await at.tryPostrider('serve'), says)
    assertRefused(await at.tryPostrider('domain', 'list'), says)
    lock.close()
    await at.postrider('domain', 'create', 'example.test')
    await at.postrider('domain', 'list')
  })

  it('that is not empty, is of another version, is a half, or was never used', async t => {
    const from = await makeStock(t)
    const uri = await database.createDatabase('refusing')
    await assert.rejects(move(uri, makeFolder(t)), { code: 'STORAGE_MISSING', message: /nothing to move/ })
    await killWhileMoving({ from, to: uri, at: { stage: 'counted', report: 1 } })
    await assert.rejects(move(uri, makeFolder(t)), { code: 'STORAGE_UNFINISHED' })
    const half = await createFolder(uri)
    assertRefused(await half.tryPostrider('serve'), /is being moved there from .* Put the settings back/)
    await move(from, uri)
    await assert.rejects(move(from, uri), { code: 'STORAGE_NOT_EMPTY', message: /rows in mail_data/ })
    await queryPostgres(uri, 'UPDATE schema_version SET version = 999')
    await assert.rejects(move(uri, makeFolder(t)), { code: 'STORAGE_NEWER' })
  })
})
