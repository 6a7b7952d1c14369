// What a commit promises with a synchronous standby; and without one that is wanted: nothing is promised, nothing hangs, and
// the words say why.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createDomain } from '../../src/directory/domains.ts'
import { describeDurability, readDurability } from '../../src/storage/postgres/durability.ts'
import { eventually } from '../harness/eventually.ts'
import { queryPostgres, startPostgres } from '../harness/postgres-server.ts'
import { collectLog, databasePerTest, openStorage, shortLimits } from './node.ts'

const own = databasePerTest(['fsync = off'])

/** Of the whole server. */
async function waitForStandbys(names: string, server = own.server): Promise<void> {
  await queryPostgres(server.uri(), `ALTER SYSTEM SET synchronous_standby_names = '${names}'`)
  await queryPostgres(server.uri(), 'SELECT pg_reload_conf()')
  await eventually('the setting holds', async () => {
    const [row] = await queryPostgres<{ is: string }>(
      server.uri(),
      "SELECT current_setting('synchronous_standby_names') AS is",
    )
    return row?.is === names || undefined
  })
}

/** Until the end of a test. */
async function withoutStandby(t: TestContext, names = 'nobody'): Promise<void> {
  t.after(() => waitForStandbys(''))
  await waitForStandbys(names)
}

async function waiting(): Promise<readonly number[]> {
  const rows = await queryPostgres<{ pid: number }>(
    own.server.uri(),
    "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
  )
  return rows.map(({ pid }) => pid)
}

const domain = (name: string) => ({ name, at: 0 })
const words =
  /answers no commit, because too few of the synchronous standbys that it waits for are connected\. Start them/

test('who comes to write is told at once, and leaves nothing behind in the server', async t => {
  await (await openStorage(t, own.uri, collectLog().log)).close()
  await withoutStandby(t)
  await assert.rejects(openStorage(t, own.uri, collectLog().log), {
    code: 'STORAGE_UNAVAILABLE',
    message: words,
  })
  assert.deepEqual(await waiting(), [])
})

test('when it goes away under way, no more wait in the server than had connections', async t => {
  const { log, logged } = collectLog()
  const storage = await openStorage(t, own.uri, log, { ...shortLimits, lookPatienceMs: 500 })
  await storage.run(createDomain, domain('before.example'))
  await withoutStandby(t)
  for (let n = 0; n < 6; n++)
    await assert.rejects(
      storage.run(createDomain, domain(`during-${n}.example`)),
      /STORAGE_|PostgreSQL|commit/,
    )
  assert.ok((await waiting()).length <= 3, `${(await waiting()).length} wait`)
  assert.match(logged.join('\n'), words)
  await waitForStandbys('')
  await storage.run(createDomain, domain('after.example'))
})

test('as many as are wanted, however that is written', async t => {
  const storage = await openStorage(t, own.uri, collectLog().log)
  t.after(() => waitForStandbys(''))
  for (const [names, wanted] of [
    ['', 0],
    ['one', 1],
    ['one, "two (2"', 1],
    ['*', 1],
    ['2 (one, two, three)', 2],
    ['FIRST 3 (one, two, three)', 3],
    ['any 12(*)', 12],
  ] as const) {
    await waitForStandbys(names)
    const { standbysWanted, standbysLacking } = await eventually(names, async () => {
      const facts = await storage.run(readDurability, undefined)
      return facts.standbysWanted === wanted ? facts : undefined
    })
    assert.deepEqual([standbysWanted, standbysLacking], [wanted, wanted])
  }
})

test('a wait for it that an administrator cancels is no answer', async t => {
  const storage = await openStorage(t, own.uri, collectLog().log, { ...shortLimits, lookPatienceMs: 500 })
  await storage.run(createDomain, domain('before.example'))
  await withoutStandby(t)
  const written = storage.run(createDomain, domain('cancelled.example'))
  written.catch(() => {})
  const pid = await eventually('the commit waits', async () => (await waiting())[0])
  await queryPostgres(own.server.uri(), `SELECT pg_cancel_backend(${pid})`)
  await assert.rejects(written, { code: 'STORAGE_GONE' })
})

test('what a 250 promises: on one disk, on two, and again on one', async t => {
  const primary = await startPostgres()
  t.after(() => primary.stop())
  const own = await primary.createDatabase('promises')
  const standby = await primary.startStandby()
  t.after(() => standby.stop())
  const storage = await openStorage(t, own, collectLog().log)
  const promised = async () => describeDurability(await storage.run(readDurability, undefined))

  assert.equal((await promised()).promise, 'on the disk of the primary database server')
  assert.match((await promised()).weakness?.remedy ?? '', /A synchronous standby prevents that/)
  await waitForStandbys('standby', primary)
  await eventually(
    'the standby is synchronous',
    async () => (await promised()).weakness === undefined || undefined,
  )
  assert.equal(
    (await promised()).promise,
    'on the disk of the primary database server and on the disk of a synchronous standby',
  )
  await storage.run(createDomain, domain('on-two.example'))
  const { standbys } = await storage.run(readDurability, undefined)
  assert.deepEqual(
    standbys?.map(({ name, isSynchronous }) => ({ name, isSynchronous })),
    [{ name: 'standby', isSynchronous: true }],
  )
  await waitForStandbys('ANY 2 (*)', primary)
  await eventually('one is too few', async () => (await promised()).weakness)
  assert.equal(
    (await promised()).promise,
    'on the disk of the primary database server and on the disk of 2 synchronous standbys',
  )
  assert.match((await promised()).weakness?.what ?? '', /^1 of 2 synchronous standbys are connected now/)
  await assert.rejects(openStorage(t, own, collectLog().log), { message: words })
  await waitForStandbys('standby', primary)
  await standby.halt()
  await eventually('its end is noticed', async () => (await promised()).weakness)
  assert.match((await promised()).weakness?.what ?? '', /^No synchronous standby is connected now/)
  await waitForStandbys('', primary)
})
