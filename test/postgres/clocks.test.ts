// Servers whose clocks are minutes apart: they go by the time of the database, which each of them knows.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { silentLog } from '../../src/runtime/log.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { createServerClock } from '../../src/storage/postgres/server-clock.ts'
import { eventually } from '../harness/eventually.ts'
import { awaitMessage, createAccount } from '../harness/mailboxes.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { type PostgresServer, queryPostgres, startPostgres } from '../harness/postgres-server.ts'
import { openConnection } from '../harness/raw-connection.ts'
import { createServerFolder, type ServerProcess, startServer } from '../harness/server-process.ts'
import { openStorage, receiver, send } from './node.ts'

const minute = 60_000
let database: PostgresServer

before(async () => {
  database = await startPostgres({ settings: ['fsync = off'] })
})
after(() => database.stop())

async function sendThrough(server: ServerProcess, subject: string): Promise<void> {
  const session = await openConnection(server.port('relay'))
  await session.reply()
  await session.command('EHLO client.example.org')
  assert.equal((await send(session, subject))?.code, 250)
  session.destroy()
}

/** Until when others believe of each delivery thread that it lives. */
async function aliveUntil(uri: string): Promise<Map<string, number>> {
  const rows = await queryPostgres<{ name: string; until: string }>(
    uri,
    'SELECT name, alive_until AS until FROM lease_owner',
  )
  return new Map(rows.map(({ name, until }) => [name, Number(until)]))
}

test('one is minutes ahead, the other behind: both deliver, neither takes the other for dead', async t => {
  const uri = await database.createDatabase('clocks')
  const settings = `storage = "${uri}"`
  const slow = await createServerFolder({ settings, clockShiftMs: -7 * minute })
  const fast = await createServerFolder({ settings, clockShiftMs: 5 * minute })
  t.after(() => Promise.all([slow.remove(), fast.remove()]))
  await createAccount(slow, receiver, 'a password of some length')
  const servers = [await startServer(slow), await startServer(fast)] as const
  try {
    const first = await aliveUntil(uri)
    assert.equal(first.size, 2)
    for (const [n, server] of servers.entries()) {
      await sendThrough(server, `through ${n}`)
      await awaitMessage(slow, receiver, `through ${n}`)
    }
    // Each has said since that it lives, and has looked whether the other does.
    await eventually('both have said that they live', async () => {
      const now = await aliveUntil(uri)
      return [...first].every(([name, until]) => (now.get(name) ?? 0) > until) || undefined
    })
    for (const server of servers) {
      assert.doesNotMatch(server.output(), /fallen silent|out of touch/)
      assert.equal(server.output().match(/the clock of this machine differs/g)?.length, 1, server.output())
    }
    assert.match(servers[0].output(), /"seconds":4(19|20|21),.*the clock of this machine differs/)
  } finally {
    for (const server of servers) await server.stop()
  }
})

test('an answer that took its time says nothing about the clock', async t => {
  const uri = await database.createDatabase('slow_answer')
  const storage = await openStorage(t, uri, silentLog)
  const own = createManualClock(Date.now())
  let slowMs = 0
  const slowed: Pick<Storage, 'run'> = {
    async run(operation, input) {
      const output = await storage.run(operation, input)
      own.advance(slowMs)
      return output
    },
  }
  const clock = await createServerClock(slowed, own, silentLog)
  const difference = clock.now() - own.now()
  slowMs = 40_000
  own.advance(minute)
  // The next comparison is under way; a read that comes after it is answered after it.
  await storage.run({ name: 'test.nothing', access: 'read', run: tx => tx.get('SELECT 1 AS one') }, undefined)
  slowMs = 0
  assert.equal(clock.now() - own.now(), difference)
})
