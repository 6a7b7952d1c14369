// Servers are brought to a new version one after another, while the others go on.
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { enterNode, type NodeFacts } from '../../src/cluster/nodes.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { migrations, worksFrom } from '../../src/storage/migrations/index.ts'
import { migratePostgres, type ProgramSchema } from '../../src/storage/postgres/migrate-postgres.ts'
import { PostgresConnection } from '../../src/storage/postgres/postgres-connection.ts'
import { awaitMessage, createAccount } from '../harness/mailboxes.ts'
import { addressOf, type PostgresServer, queryPostgres, startPostgres } from '../harness/postgres-server.ts'
import { sendMessage } from '../harness/send-message.ts'
import { createServerFolder, startServer } from '../harness/server-process.ts'
import { collectLog, openStorage } from './node.ts'

let database: PostgresServer

before(async () => {
  database = await startPostgres({ settings: ['fsync = off'] })
})
after(() => database.stop())

const adds = `ALTER TABLE queue_recipient ADD COLUMN next_version TEXT NOT NULL DEFAULT 'x';
  ALTER TABLE mail_data ADD COLUMN next_version INTEGER;
  CREATE INDEX next_version ON queue_recipient (next_version);`
const next = [...migrations, adds]
const added: ProgramSchema = { migrations: next, worksFrom }
const changed: ProgramSchema = { migrations: next, worksFrom: next.length }

async function upgrade(t: TestContext, uri: string, to: ProgramSchema): Promise<number> {
  const connection = await PostgresConnection.open(addressOf(uri), 'migration')
  t.after(() => connection.close())
  return await migratePostgres(connection, to)
}

const server: NodeFacts = {
  id: 'one',
  hostname: 'mx1.example.test',
  version: '1.2.3',
  schemaVersion: migrations.length,
  pid: 1,
  startedAt: 0,
  roles: ['front', 'delivery'],
}
const load = { sessions: 0, cpuPercent: 0, memoryBytes: 0 }

test('a server goes on when another brings the schema to the next version, and starts again on it', async t => {
  const uri = await database.createDatabase('rolling')
  const at = await createServerFolder({ settings: `storage = "${uri}"` })
  t.after(() => at.remove())
  await createAccount(at, 'anna@example.test', 'a password of some length')
  const first = await startServer(at)
  try {
    await sendMessage(first.port('relay'), 'anna@example.test', 'before')
    await awaitMessage(at, 'anna@example.test', 'before')
    assert.equal(await upgrade(t, uri, added), next.length)
    await sendMessage(first.port('relay'), 'anna@example.test', 'beside the next version')
    await awaitMessage(at, 'anna@example.test', 'beside the next version')
    assert.match(await at.postrider('verify'), /is in order/)
  } finally {
    await first.stop()
  }
  const again = await startServer(at)
  try {
    await sendMessage(again.port('relay'), 'anna@example.test', 'started again')
    await awaitMessage(at, 'anna@example.test', 'started again')
    assert.match(again.output(), /the database is of a newer version, beside which this one can work/)
  } finally {
    await again.stop()
  }
})

test('an index that a version brings without another schema is made in a database that is there', async t => {
  const uri = await database.createDatabase('indexes')
  await (await openStorage(t, uri, silentLog)).close()
  const indexes = async () => {
    const rows = await queryPostgres<{ name: string }>(
      uri,
      "SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    )
    return rows.map(({ name }) => name)
  }
  const before = await indexes()
  await queryPostgres(uri, 'DROP INDEX queue_recipient_lease')
  await (await openStorage(t, uri, silentLog)).close()
  assert.deepEqual(await indexes(), before)
})

test('a change with which a server that runs cannot work waits until it has ended; then that version is refused', async t => {
  const uri = await database.createDatabase('breaking')
  const { log } = collectLog()
  const storage = await openStorage(t, uri, log)
  await storage.run(enterNode, { node: server, load, now: Date.now() })
  await assert.rejects(upgrade(t, uri, changed), {
    code: 'STORAGE_IN_USE',
    message: /which cannot work beside this one: mx1\.example\.test \(1\.2\.3\)\. Stop them first/,
  })
  // It has fallen silent.
  await storage.run(enterNode, { node: server, load, now: Date.now() - 60_000 })
  assert.equal(await upgrade(t, uri, changed), next.length)
  await assert.rejects(openStorage(t, uri, silentLog), {
    code: 'STORAGE_NEWER',
    message: /was written by a newer version of Postrider/,
  })
})
