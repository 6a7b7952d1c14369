// A move that is cut off, at whatever moment: it goes on where it was, and until it is over nobody takes the target for whole.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdirSync, utimesSync, watch, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it, test } from 'node:test'
import { systemClock } from '../../../src/runtime/clock.ts'
import { silentLog } from '../../../src/runtime/log.ts'
import { openLocalStorage } from '../../../src/storage/local-storage.ts'
import { mailDataFile } from '../../../src/storage/mail-data-files.ts'
import { openPostgresStorage } from '../../../src/storage/postgres/postgres-storage.ts'
import { databaseFileName } from '../../../src/storage/sqlite-connection.ts'
import { StorageFault } from '../../../src/storage/storage-fault.ts'
import { eventually } from '../../harness/eventually.ts'
import { exportDatabase, exportFolder } from '../../harness/export-storage.ts'
import { hashFiles } from '../../harness/migrate-round-trip.ts'
import { type KillPoint, killWhileMoving, move } from '../../harness/moves.ts'
import { addressOf, type PostgresServer, startPostgres } from '../../harness/postgres-server.ts'
import { command, createServerFolder } from '../../harness/server-process.ts'
import { makeFolder } from '../notes.ts'
import { makeStock } from './make-stock.ts'

/** One kill after the other, each of a move that goes on with what the one before has left. */
const killPoints: readonly KillPoint[] = [
  { stage: 'begun', report: 1 },
  { stage: 'copied', report: 1 },
  { stage: 'copied', report: 1 },
  { stage: 'copied', report: 3 },
  { stage: 'counted', report: 1 },
  { stage: 'verified', report: 1 },
  { stage: 'verified', report: 6 },
  { stage: 'finishing', report: 1 },
]

const unfinished = { name: 'StorageFault', code: 'STORAGE_UNFINISHED' }

async function openDatabase(uri: string): Promise<void> {
  await (await openPostgresStorage(addressOf(uri), systemClock, silentLog)).close()
}

/** Its lock stays until PostgreSQL has noticed that who moved is gone. */
async function openUnlocked(uri: string): Promise<void> {
  await eventually('the lock of the move to go', async () => {
    try {
      await openDatabase(uri)
      return true
    } catch (cause) {
      if (cause instanceof StorageFault && cause.code === 'STORAGE_LOCKED') return undefined
      throw cause
    }
  })
}

describe('kill -9 between any two steps', { timeout: 200_000 }, () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres({ settings: ['fsync = off'] })
  })
  after(() => server.stop())

  it('from SQLite to PostgreSQL and back: the end is the same, and until then no server takes the target', async t => {
    const from = await makeStock(t)
    const files = hashFiles(from)
    const uri = await server.createDatabase('resumed')
    for (const at of killPoints) {
      await killWhileMoving({ from, to: uri, at })
      await assert.rejects(openUnlocked(uri), unfinished, JSON.stringify(at))
    }
    const there = await move(from, uri)
    assert.deepEqual([there.finished, there.already > 0, there.begunAnew], [true, true, undefined])
    assert.deepEqual(await exportDatabase(uri), await exportFolder(from))
    assert.deepEqual(hashFiles(from), files)
    const to = makeFolder(t)
    for (const at of killPoints) {
      await killWhileMoving({ from: uri, to, at })
      await assert.rejects(openLocalStorage(to), unfinished, JSON.stringify(at))
    }
    assert.equal((await move(uri, to)).finished, true)
    assert.deepEqual(await exportFolder(to), await exportFolder(from))
  })
})

/** Ends it when a file appears in the folder, which may be at any moment of writing it. */
async function killAtFile(child: ChildProcess, folder: string): Promise<void> {
  const watcher = watch(folder, { recursive: true }, () => child.kill('SIGKILL'))
  await once(child, 'exit')
  watcher.close()
}

test('kill -9 while files are written: each is whole at the end', { timeout: 120_000 }, async t => {
  const at = await createServerFolder({ dataFolder: await makeStock(t) })
  t.after(() => at.remove())
  const to = makeFolder(t)
  mkdirSync(join(to, 'mail'))
  const parameters = ['migrate', to, '--settings', at.settingsFile]
  const child = spawn(process.execPath, [command, ...parameters], { stdio: 'ignore' })
  await killAtFile(child, join(to, 'mail'))
  assert.equal(child.signalCode, 'SIGKILL')
  await assert.rejects(openLocalStorage(to), unfinished)
  await at.postrider('migrate', to)
  assert.deepEqual(await exportFolder(to), await exportFolder(at.dataFolder))
})

test('a file that was written in part, and of which there is no row yet, is written anew', async t => {
  const from = await makeStock(t)
  const to = makeFolder(t)
  await killWhileMoving({ from, to, at: { stage: 'begun', report: 1 } })
  const [name = ''] = globSync('*/*.eml', { cwd: join(from, 'mail') })
  const part = mailDataFile(to, name)
  mkdirSync(dirname(part), { recursive: true })
  writeFileSync(part, 'Subject: a part')
  assert.equal((await move(from, to)).finished, true)
  assert.deepEqual(await exportFolder(to), await exportFolder(from))
})

test('a target of which only the note was written is one to go on with', async t => {
  const from = await makeStock(t)
  const to = makeFolder(t)
  await killWhileMoving({ from, to, at: { stage: 'begun', report: 1 } })
  const database = new DatabaseSync(join(to, databaseFileName))
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  for (const { name } of tables)
    if (!/^sqlite|^unfinished/.test(String(name))) database.exec(`DROP TABLE IF EXISTS ${String(name)}`)
  database.exec('PRAGMA user_version = 0')
  database.close()
  assert.equal((await move(from, to)).finished, true)
  assert.deepEqual(await exportFolder(to), await exportFolder(from))
})

test('what was written to the source meanwhile is in the target: it is begun anew', async t => {
  const from = await makeStock(t)
  const to = makeFolder(t)
  await killWhileMoving({ from, to, at: { stage: 'verified', report: 1 } })
  const source = new DatabaseSync(join(from, databaseFileName))
  source.exec('UPDATE queue_recipient SET attempts = 17 WHERE id = 1; DELETE FROM trail_event WHERE id = 2')
  source.close()
  const done = await move(from, to)
  assert.deepEqual([done.finished, done.begunAnew], [true, 'source-changed'])
  assert.deepEqual(await exportFolder(to), await exportFolder(from))
})

test('an unfinished move from elsewhere is left alone, unless it is told to go', async t => {
  const [first, second] = [await makeStock(t), await makeStock(t, { messages: 5, mailboxes: 1, queued: 2 })]
  const to = makeFolder(t)
  await killWhileMoving({ from: first, to, at: { stage: 'verified', report: 1 } })
  await assert.rejects(move(second, to), {
    code: 'MOVE_OTHER_SOURCE',
    message: new RegExp(`${first}.*--anew`),
  })
  const done = await move(second, to, { anew: true })
  assert.deepEqual([done.finished, done.begunAnew], [true, 'wanted'])
  assert.deepEqual(await exportFolder(to), await exportFolder(second))
  // No file of the first is left.
  assert.deepEqual([...hashFiles(join(to, 'mail')).keys()], [...hashFiles(join(second, 'mail')).keys()])
})

test('what differs in the end is told, and the target stays unfinished', async t => {
  const from = await makeStock(t)
  const to = makeFolder(t)
  await killWhileMoving({ from, to, at: { stage: 'counted', report: 1 } })
  const target = new DatabaseSync(join(to, databaseFileName))
  target.exec("UPDATE mailbox_message SET trace_fields = '' WHERE id = 100")
  target.close()
  await assert.rejects(move(from, to), { code: 'STORAGE_DIFFERS', message: /mailbox_message.*--anew/ })
  await assert.rejects(openLocalStorage(to), unfinished)
  assert.equal((await move(from, to, { anew: true })).finished, true)
  assert.deepEqual(await exportFolder(to), await exportFolder(from))
})

test('a server that writes to the source while it is moved is noticed', async t => {
  const from = await makeStock(t)
  const to = makeFolder(t)
  let touched = false
  const touch = (): void => {
    if (!touched) utimesSync(join(from, databaseFileName), 1, 1)
    touched = true
  }
  await assert.rejects(move(from, to, { onProgress: touch }), {
    code: 'STORAGE_DIFFERS',
    message: /written to .* while it was moved/,
  })
  await assert.rejects(openLocalStorage(to), unfinished)
})
