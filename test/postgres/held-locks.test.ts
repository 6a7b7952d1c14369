// A server that is stopped in the middle of a transaction, its locks with it: the others wait for a moment, and live.
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { blameForDeath } from '../../src/queue/blame-for-death.ts'
import { claimSuspects } from '../../src/queue/claim-suspects.ts'
import { buryOwners, enterOwner, keepOwner, removeOwner } from '../../src/queue/lease-owners.ts'
import { releaseLeases } from '../../src/queue/release-leases.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { PostgresConnection } from '../../src/storage/postgres/postgres-connection.ts'
import { addressOf, type PostgresServer, startPostgres } from '../harness/postgres-server.ts'
import { openStorage, shortLimits } from './node.ts'

let database: PostgresServer
let uri: string

before(async () => {
  database = await startPostgres({ settings: ['fsync = off'] })
  uri = await database.createDatabase('locks')
})
after(() => database.stop())

const lockTrail = defineWrite('test.lock-trail', async tx => {
  await tx.run('LOCK TABLE trail_event IN EXCLUSIVE MODE')
})

test('the database gives the transaction of a stopped server up, and the others go on', async t => {
  const limits = { ...shortLimits, statementMs: 20_000, answerMs: 25_000 }
  const storage = await openStorage(t, uri, silentLog, limits)
  const stopped = await PostgresConnection.open(addressOf(uri), 'write', limits)
  t.after(() => stopped.close())
  await stopped.execute('BEGIN')
  await stopped.execute('LOCK TABLE trail_event IN EXCLUSIVE MODE')
  await storage.run(lockTrail, undefined)
  // What it does when it goes on comes to nothing.
  await assert.rejects(stopped.execute('COMMIT'), { code: 'STORAGE_UNAVAILABLE' })
})

async function holdLock(t: TestContext): Promise<Client> {
  const client = new Client({ connectionString: uri })
  await client.connect()
  t.after(() => client.end())
  await client.query('BEGIN')
  await client.query('LOCK TABLE trail_event IN EXCLUSIVE MODE')
  return client
}

test('while all writes wait for a lock, an owner of leases can say that it lives', async t => {
  const limits = { ...shortLimits, statementMs: 20_000, answerMs: 25_000 }
  const storage = await openStorage(t, uri, silentLog, limits)
  await storage.run(enterOwner, { owner: 'one', aliveUntil: 1 })
  const holder = await holdLock(t)
  const waiting: Promise<void>[] = []
  for (let n = 0; n < 10; n++) {
    waiting.push(storage.run(lockTrail, undefined))
    await storage.run(keepOwner, { owner: 'one', now: n, aliveUntil: n + 10 })
  }
  assert.deepEqual(await storage.run(keepOwner, { owner: 'one', now: 5, aliveUntil: 30 }), ['one'])
  await holder.query('COMMIT')
  await Promise.all(waiting)
})

test('a search that waits for rows of others keeps no other write waiting', async t => {
  const limits = { ...shortLimits, statementMs: 20_000, answerMs: 25_000 }
  const storage = await openStorage(t, uri, silentLog, limits)
  await storage.run(queueRecipient, { deaths: 1 })
  const holder = await holdRows(t)
  const searches = [
    () => storage.run(claimSuspects, { owner: 'one', now: 10, leaseUntil: 20 }),
    () => storage.run(buryOwners, { now: 10, except: 'one' }),
    () => storage.run(blameForDeath, { owner: 'dead', now: 10 }),
    () => storage.run(releaseLeases, { owner: 'dead', now: 10 }),
  ]
  await storage.run(enterOwner, { owner: 'dead', aliveUntil: 1 })
  for (const search of searches) {
    const enter = (owner: string) => storage.run(enterOwner, { owner, aliveUntil: 100 })
    let hasFound = false
    const [before, waiting, behind] = [
      enter('before'),
      search().then(() => {
        hasFound = true
      }),
      enter('behind'),
    ]
    await Promise.all([before, behind])
    assert.deepEqual(await storage.run(keepOwner, { owner: 'before', now: 50, aliveUntil: 100 }), [
      'before',
      'behind',
    ])
    assert.equal(hasFound, false)
    await holder.query('ROLLBACK')
    await waiting
    for (const owner of ['before', 'behind']) await storage.run(removeOwner, { owner })
    await storage.run(queueRecipient, { deaths: 1 })
    await storage.run(enterDead, undefined)
    await takeRows(holder)
  }
})

const queueRecipient = defineWrite('test.queue-recipient', async (tx, { deaths }: { deaths: number }) => {
  await tx.run('DELETE FROM queue_recipient')
  await tx.run(
    `INSERT INTO queue_recipient (message_id, forward_path, domain, state, due_at, attempts, lease_owner, deaths)
      VALUES (1, 'anna@example.org', 'example.org', 'ready', 1, 0, 'dead', ?)`,
    deaths,
  )
})

const enterDead = defineWrite('test.enter-dead', async tx => {
  await tx.run("DELETE FROM lease_owner WHERE name = 'dead'")
  await tx.run("INSERT INTO lease_owner (name, alive_until) VALUES ('dead', 1)")
})

/** As a server does that is stopped in the middle of a settling. */
async function takeRows(client: Client): Promise<void> {
  await client.query('BEGIN')
  await client.query('SELECT id FROM queue_recipient FOR UPDATE')
}

async function holdRows(t: TestContext): Promise<Client> {
  const client = new Client({ connectionString: uri })
  await client.connect()
  t.after(() => client.end())
  await takeRows(client)
  return client
}
