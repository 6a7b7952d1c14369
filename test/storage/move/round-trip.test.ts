// SQLite → PostgreSQL → SQLite in small; `npm run migrate-test` does it with 100,000 messages.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { parseAddress } from '../../../src/address/parse-address.ts'
import { createAccount } from '../../../src/directory/accounts.ts'
import { claimDueWork } from '../../../src/queue/claim-due-work.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { Fault } from '../../../src/runtime/fault.ts'
import { silentLog } from '../../../src/runtime/log.ts'
import { openLocalStorage } from '../../../src/storage/local-storage.ts'
import { defineRead, type Storage } from '../../../src/storage/operation.ts'
import { openPostgresStorage } from '../../../src/storage/postgres/postgres-storage.ts'
import { databaseFileName } from '../../../src/storage/sqlite-connection.ts'
import { runHere } from '../../cli/run-postrider.ts'
import { exportDatabase, exportFolder } from '../../harness/export-storage.ts'
import { runRoundTrip } from '../../harness/migrate-round-trip.ts'
import { move } from '../../harness/moves.ts'
import {
  addressOf,
  type PostgresServer,
  queryPostgres,
  startPostgres,
} from '../../harness/postgres-server.ts'
import { createServerFolder, startServer } from '../../harness/server-process.ts'
import { makeFolder } from '../notes.ts'
import { makeStock } from './make-stock.ts'

interface Lease {
  readonly owner: string | null
  readonly dueAt: number
}

const listLeases = defineRead(
  'test.list-leases',
  async (tx): Promise<Lease[]> =>
    await tx.all<Lease>('SELECT lease_owner AS owner, due_at AS "dueAt" FROM queue_recipient ORDER BY id'),
)

async function openDatabase(uri: string): Promise<Storage> {
  return await openPostgresStorage(addressOf(uri), systemClock, silentLog)
}

async function within<Output>(
  opening: Promise<Storage>,
  work: (storage: Storage) => Promise<Output>,
): Promise<Output> {
  const storage = await opening
  try {
    return await work(storage)
  } finally {
    await storage.close()
  }
}

/** Every recipient that is due goes to a server that then dies. */
async function claimAll(storage: Storage): Promise<void> {
  const now = systemClock.now()
  const claim = { now, leaseUntil: now + 300_000, owner: 'of a dead server', maxRecipients: 10_000 }
  await storage.run(claimDueWork, claim)
}

const newAccount = {
  address: parseAddress('new@example.test') ?? assert.fail(),
  name: '',
  passwordHash: `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
  language: 'en',
  enabled: true,
  at: 1,
} as const

describe('there and back', { timeout: 200_000 }, () => {
  let database: PostgresServer
  before(async () => {
    database = await startPostgres({ settings: ['fsync = off'] })
  })
  after(() => database.stop())

  it('all three hold the same, and the first is untouched', async () => {
    const uri = await database.createDatabase('round_trip')
    const trip = await runRoundTrip({ messages: 1000, mailboxes: 10, queued: 200 }, uri)
    const [first, ...others] = trip.holdings
    for (const other of others) {
      assert.deepEqual(other.storage, first?.storage, other.where)
      assert.equal(other.directory, first?.directory, other.where)
    }
    assert.deepEqual([trip.identical, trip.sourceUntouched], [true, true])
    assert.equal(first?.storage.tables['queue_message']?.rows, 200)
    // The export can tell: it sees a single character.
    await queryPostgres(uri, "UPDATE trail_event SET event = event || ' ' WHERE id = 1")
    assert.notDeepEqual(await exportDatabase(uri), first?.storage)
  })

  it('leases are given back: what a dead server had in hand is due', async t => {
    const from = await makeStock(t)
    await within(openLocalStorage(from), claimAll)
    const uri = await database.createDatabase('leases')
    const before = systemClock.now()
    await move(from, uri)
    const leases = await within(openDatabase(uri), storage => storage.run(listLeases, undefined))
    assert.deepEqual(
      leases.filter(({ owner }) => owner !== null),
      [],
    )
    const given = leases.filter(({ dueAt }) => dueAt >= before)
    assert.ok(given.length > 0 && given.every(({ dueAt }) => dueAt <= systemClock.now()))
    // And so on the way back.
    await within(openDatabase(uri), claimAll)
    const to = makeFolder(t)
    await move(uri, to)
    const back = await within(openLocalStorage(to), storage => storage.run(listLeases, undefined))
    assert.ok(
      back.every(({ owner, dueAt }) => owner === null && dueAt < systemClock.now() + 60_000 * 60 * 24),
    )
    assert.equal(back.length, leases.length)
  })

  it('the id of an account that was removed never comes back', async t => {
    // Three accounts, one more, and one that has gone: 5.
    const from = await makeStock(t)
    const uri = await database.createDatabase('counters')
    await move(from, uri)
    const there = await within(openDatabase(uri), storage => storage.run(createAccount, newAccount))
    assert.equal(there.id, 6)
    await queryPostgres(uri, 'DELETE FROM account WHERE id = 6')
    const to = makeFolder(t)
    await move(uri, to)
    assert.equal(
      (await within(openLocalStorage(to), storage => storage.run(createAccount, newAccount))).id,
      7,
    )
  })

  it('a log that a killed server has left beside its database is read, and stays', async t => {
    const at = await createServerFolder()
    t.after(() => at.remove())
    const server = await startServer(at)
    await at.postrider('domain', 'create', 'example.test')
    await server.kill()
    const log = join(at.dataFolder, `${databaseFileName}-wal`)
    const bytes = readFileSync(log)
    assert.ok(bytes.length > 0)
    const to = makeFolder(t)
    await at.postrider('migrate', to)
    assert.deepEqual(readFileSync(log), bytes)
    // One file, as a server leaves it that was stopped.
    assert.deepEqual(globSync('postrider.sqlite*', { cwd: to }), [databaseFileName])
    const target = new DatabaseSync(join(to, databaseFileName), { readOnly: true })
    assert.equal(target.prepare('SELECT name FROM domain').get()?.['name'], 'example.test')
    target.close()
  })

  it('Ctrl-C ends it between two steps, and it goes on', async t => {
    const at = await createServerFolder({ dataFolder: await makeStock(t) })
    t.after(() => at.remove())
    const to = makeFolder(t)
    const parameters = ['migrate', to, '--json', '--settings', at.settingsFile]
    const onInterrupt = (listener: () => void): (() => void) => {
      listener()
      return () => {}
    }
    const interrupted = await runHere(at.folder, parameters, { onInterrupt })
    assert.equal(interrupted.exitCode, 1)
    assert.match(interrupted.stderr, /CLI_INTERRUPTED.*goes on from here/)
    const { exitCode, stdout } = await runHere(at.folder, parameters)
    assert.deepEqual([exitCode, (JSON.parse(stdout) as { finished: boolean }).finished], [0, true])
    assert.deepEqual(await exportFolder(to), await exportFolder(at.dataFolder))
  })

  it('a failure in the middle leaves nothing open, and is gone on with', async t => {
    const from = await makeStock(t)
    const uri = await database.createDatabase('failing')
    const fail = (): never => {
      throw new Fault('TEST', 'in the middle')
    }
    await assert.rejects(move(from, uri, { onProgress: fail }), { code: 'TEST' })
    assert.equal((await move(from, uri)).finished, true)
  })
})
