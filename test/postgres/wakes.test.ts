// What one server writes, the others hear of, also when connections were cut meanwhile, or the one has died right after.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDomain } from '../../src/directory/domains.ts'
import { rememberRecipients } from '../../src/directory/recipient-cache.ts'
import { resolveRecipient } from '../../src/directory/resolve-recipient.ts'
import { defineWrite, type Storage, type WakeKeys, type WakeTopic } from '../../src/storage/operation.ts'
import { openPostgresStorage } from '../../src/storage/postgres/postgres-storage.ts'
import { eventually } from '../harness/eventually.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { addressOf, queryPostgres } from '../harness/postgres-server.ts'
import { startTcpProxy } from '../harness/tcp-proxy.ts'
import { collectLog, databasePerTest, openStorage, shortLimits } from './node.ts'

const own = databasePerTest(['fsync = off'])

const wakeUp = (topic: WakeTopic) =>
  defineWrite(`test.wake-${topic}`, async tx => void (await tx.get('SELECT 1')), { wakes: topic })

/** Calls so far. */
function listen(storage: Storage, topic: WakeTopic): () => number {
  let calls = 0
  storage.onWake(topic, () => calls++)
  return () => calls
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  await eventually(what, async () => isSo() || undefined)
}

function endConnections(purpose: string): Promise<unknown> {
  return queryPostgres(
    own.uri,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'postrider ${purpose}'`,
  )
}

for (const topic of ['queue', 'directory'] as const) {
  test(`${topic}: the other hears of it`, async t => {
    const [one, two] = [
      await openStorage(t, own.uri, collectLog().log),
      await openStorage(t, own.uri, collectLog().log),
    ]
    const [here, there] = [listen(one, topic), listen(two, topic)]
    await one.run(wakeUp(topic), undefined)
    assert.equal(here(), 1)
    await until('the other is called', () => there() === 1)
  })

  test(`${topic}: said while nobody could be told, heard when the connection is there again`, async t => {
    const one = await openStorage(t, own.uri, collectLog().log)
    await endConnections('wake')
    const two = await openStorage(t, own.uri, collectLog().log)
    const there = listen(two, topic)
    await one.run(wakeUp(topic), undefined)
    await until('the other is called', () => there() >= 1)
  })
}

test('the other hears which mailboxes have changed; of very many, that any may have', async t => {
  const one = await openStorage(t, own.uri, collectLog().log)
  const two = await openStorage(t, own.uri, collectLog().log)
  const told: WakeKeys[] = []
  two.onWake('mailbox', keys => told.push(keys))
  const change = defineWrite('test.change-mailboxes', async (tx, ids: readonly number[]) => {
    for (const id of ids) tx.wake('mailbox', id)
    await tx.get('SELECT 1')
  })
  await one.run(change, [3, 7])
  await until('the other is told', () => told.length > 0)
  await one.run(
    change,
    Array.from({ length: 2000 }, (_, index) => index),
  )
  await until('the other is told again', () => told.length > 1)
  assert.deepEqual(told, [new Set([3, 7]), undefined])
})

for (const topic of ['directory'] as const) {
  test(`${topic}: one that has died after its commit has told the others`, async t => {
    const one = await openStorage(t, own.uri, collectLog().log)
    const two = await openStorage(t, own.uri, collectLog().log)
    const there = listen(two, topic)
    const proxy = await startTcpProxy(own.server.port)
    const dying = await openPostgresStorage(
      addressOf(proxy.uri(own.uri)),
      createManualClock(),
      collectLog().log,
      shortLimits,
    )
    // From the moment of the commit nothing that it says arrives.
    proxy.fromClient = bytes => {
      if (bytes.includes('COMMIT\0')) setImmediate(() => proxy.forget())
      return bytes
    }
    await dying.run(wakeUp(topic), undefined).catch(() => {})
    await until('the other is called', () => there() === 1)
    await proxy.close()
    await dying.close()
    await one.run(wakeUp(topic), undefined)
  })
}

test('a connection for wake-ups that the way has forgotten is found out, and what it missed is caught up with', async t => {
  const proxy = await startTcpProxy(own.server.port)
  t.after(() => proxy.close())
  const clock = createManualClock()
  const { log, logged } = collectLog()
  const deaf = await openPostgresStorage(addressOf(proxy.uri(own.uri)), clock, log, shortLimits)
  t.after(() => deaf.close())
  const other = await openStorage(t, own.uri, collectLog().log)
  const directory = rememberRecipients(deaf)
  const ask = async (): Promise<string> => {
    const address = { localPart: 'anna', domain: 'example.test' }
    return (await directory.run(resolveRecipient, { address, hostname: 'mail.example.test' })).kind
  }
  assert.equal(await ask(), 'foreign-domain')
  proxy.forget()
  await other.run(createDomain, { name: 'example.test', at: 0 })
  // It knows no better: nobody can tell it, and it does not know that.
  assert.equal(await ask(), 'foreign-domain')
  clock.advance(15_000)
  await until('it is told that the connection is lost', () => logged.length > 0)
  clock.advance(1000)
  await eventually('it knows', async () => {
    const kind = await ask().catch(() => undefined)
    return kind === 'unknown-address' ? true : undefined
  })
  assert.match(logged.join('\n'), /the database answers again/)
})
