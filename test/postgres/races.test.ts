// Writers of several servers at the same rows: each operation comes to what it would alone, whoever was first.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { parseAddress } from '../../src/address/parse-address.ts'
import { createAccount, removeAccount } from '../../src/directory/accounts.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { listMailboxMessages } from '../../src/mailbox/operations.ts'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import { cancelRecipients, holdRecipients, releaseRecipients } from '../../src/queue/administer.ts'
import { claimDueWork } from '../../src/queue/claim-due-work.ts'
import { extendLease } from '../../src/queue/extend-lease.ts'
import { findRecipients } from '../../src/queue/find-recipients.ts'
import { countQueue } from '../../src/queue/list-queue.ts'
import type { NewMessage } from '../../src/queue/new-message.ts'
import { giveBack } from '../../src/queue/release-leases.ts'
import { type Settlement, type SettlementReport, settle } from '../../src/queue/settle.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { defineRead, defineWrite, type Storage, type Tx } from '../../src/storage/operation.ts'
import { usualLimits } from '../../src/storage/postgres/limits.ts'
import { eventually } from '../harness/eventually.ts'
import { queryPostgres } from '../harness/postgres-server.ts'
import { databasePerTest, openStorage } from './node.ts'

const own = databasePerTest(['fsync = off', 'deadlock_timeout = 100ms'])

const open = (t: TestContext): Promise<Storage> => openStorage(t, own.uri, silentLog, usualLimits)

async function openTwo(t: TestContext): Promise<readonly [Storage, Storage]> {
  return [await open(t), await open(t)]
}

async function deadlocks(): Promise<number> {
  const [row] = await queryPostgres<{ deadlocks: string }>(
    own.uri,
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  )
  return Number(row?.deadlocks)
}

const makeCounters = defineWrite('test.make-counters', async tx => {
  await tx.run('CREATE TABLE counter (id BIGINT PRIMARY KEY, value BIGINT NOT NULL)')
  await tx.run('INSERT INTO counter (id, value) VALUES (1, 0), (2, 0)')
})

const readCounters = defineRead('test.read-counters', async tx =>
  (await tx.all<{ value: number }>('SELECT value FROM counter ORDER BY id')).map(({ value }) => value),
)

async function raise(tx: Tx, id: number): Promise<void> {
  await tx.run('UPDATE counter SET value = value + 1 WHERE id = ?', id)
}

test('two that wait for each other: both are done, each once', async t => {
  const [one, two] = await openTwo(t)
  await one.run(makeCounters, undefined)
  const holds = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
  const raiseBoth = (first: 1 | 2) =>
    defineWrite('test.raise-both', async tx => {
      await raise(tx, first)
      holds[first - 1]?.resolve()
      // Only so can the two be sure to meet; the second time nobody waits any more.
      await Promise.all(holds.map(({ promise }) => promise))
      await raise(tx, 3 - first)
    })
  await Promise.all([one.run(raiseBoth(1), undefined), two.run(raiseBoth(2), undefined)])
  assert.deepEqual(await one.run(readCounters, undefined), [2, 2])
  assert.equal(await deadlocks(), 1)
})

test('a serialization failure is made again, whatever isolation the database has for others', async t => {
  await queryPostgres(
    own.server.uri(),
    `ALTER DATABASE ${own.name} SET default_transaction_isolation = 'serializable'`,
  )
  const [one, two] = await openTwo(t)
  await one.run(makeCounters, undefined)
  const add = defineWrite('test.add', async tx => {
    await raise(tx, 1)
  })
  await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 ? one : two).run(add, undefined)))
  assert.deepEqual(await one.run(readCounters, undefined), [50, 0])
  let times = 0
  const failOnce = defineWrite('test.fail-once', async tx => {
    await raise(tx, 2)
    if (times++ === 0)
      await tx.run("DO $$ BEGIN RAISE EXCEPTION 'as if' USING ERRCODE = 'serialization_failure'; END $$")
  })
  await one.run(failOnce, undefined)
  assert.deepEqual([times, await one.run(readCounters, undefined)], [2, [50, 1]])
})

const now = Date.UTC(2026, 0, 1)

function address(text: string) {
  const parsed = parseAddress(text)
  if (!parsed) throw new Error(text)
  return parsed
}

function createNamed(storage: Storage, name: string): Promise<{ id: number }> {
  return storage.run(createAccount, {
    address: address(`${name}@example.test`),
    name: '',
    passwordHash: `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    language: 'en',
    enabled: true,
    at: now,
  })
}

async function makeAccounts(storage: Storage, names: readonly string[]): Promise<number[]> {
  await storage.run(createDomain, { name: 'example.test', at: now })
  const ids: number[] = []
  for (const name of names) ids.push((await createNamed(storage, name)).id)
  return ids
}

function newMessage(id: number): Omit<NewMessage, 'recipients'> {
  return {
    mailData: {
      size: 10,
      checksum: new Uint8Array(32),
      location: { kind: 'inline' as const, bytes: new Uint8Array(10) },
    },
    message: {
      id,
      reversePath: null,
      size: 10,
      body: '7BIT',
      smtpUtf8: false,
      disposition: 'mail',
      acceptedAt: now,
      expiresAt: now + 1e9,
      language: 'en',
      isReport: false,
    },
    held: false,
  }
}

async function accept(storage: Storage, id: number, to: readonly string[]): Promise<void> {
  const recipients = to.map(name => ({ forwardPath: address(`${name}@example.test`) }))
  assert.equal(await storage.run(acceptMessage, { ...newMessage(id), recipients }), 'accepted')
}

interface Claimed {
  readonly messageId: number
  readonly recipientId: number
}

async function claim(storage: Storage, owner: string, maxRecipients: number): Promise<Claimed[]> {
  const work = await storage.run(claimDueWork, { now, leaseUntil: now + 1e9, owner, maxRecipients })
  return work.flatMap(({ message, recipients }) =>
    recipients.map(({ id }) => ({ messageId: message.id, recipientId: id })),
  )
}

async function file(
  storage: Storage,
  owner: string,
  claimed: readonly Claimed[],
  accounts: readonly number[],
): Promise<void> {
  const settlements = claimed.map(
    (one, n): Settlement => ({
      ...one,
      events: [],
      result: {
        kind: 'file',
        accountId: accounts[n % accounts.length] ?? 0,
        mailbox: 'INBOX',
        traceFields: '',
      },
    }),
  )
  await storage.run(settle, { owner, at: now, settlements, reports: [] })
}

async function uids(storage: Storage, accountId: number): Promise<number[]> {
  const page = { accountId, mailbox: 'INBOX', limit: 1000 }
  return (await storage.run(listMailboxMessages, page)).map(({ uid }) => uid).toReversed()
}

test('two servers file into the same mailboxes in another order: none is made twice, no UID is given twice, nobody waits for the other', async t => {
  const [one, two] = await openTwo(t)
  const accounts = await makeAccounts(one, ['anna', 'boris', 'clara'])
  const messages = 60
  for (let id = 1; id <= messages; id++) await accept(one, id, ['anna'])
  const firsts = await claim(one, 'one', messages / 2)
  const seconds = await claim(two, 'two', messages)
  assert.deepEqual([firsts.length, seconds.length], [30, 30])
  // Several settlings at a time in each, as two transactions are.
  const inParts = (all: readonly Claimed[]): Claimed[][] =>
    [0, 10, 20].map(from => all.slice(from, from + 10))
  await Promise.all([
    ...inParts(firsts).map(part => file(one, 'one', part, accounts)),
    ...inParts(seconds).map(part => file(two, 'two', part, accounts.toReversed())),
  ])
  for (const account of accounts) {
    const found = await uids(one, account)
    assert.deepEqual(
      found,
      found.map((_, n) => n + 1),
    )
  }
  const total = await Promise.all(accounts.map(async account => (await uids(one, account)).length))
  assert.equal(
    total.reduce((sum, n) => sum + n, 0),
    messages,
  )
  assert.deepEqual(await one.run(countQueue, undefined), { messages: 0, ready: 0, held: 0 })
  assert.equal(await deadlocks(), 0)
})

test('the recipients of one message, settled by two servers at once: its mail data goes with the last', async t => {
  const [one, two] = await openTwo(t)
  await makeAccounts(one, ['anna', 'boris'])
  for (let id = 1; id <= 40; id++) {
    await accept(one, id, ['anna', 'boris'])
    const claimed = await claim(one, 'one', 10)
    const done = ({ messageId, recipientId }: Claimed) => ({
      owner: 'one',
      at: now,
      settlements: [{ messageId, recipientId, events: [], result: { kind: 'done' as const } }],
      reports: [],
    })
    const [first, second] = claimed
    assert.ok(first && second)
    await Promise.all([one.run(settle, done(first)), two.run(settle, done(second))])
  }
  assert.deepEqual(await one.run(countQueue, undefined), { messages: 0, ready: 0, held: 0 })
  assert.equal(await one.run(countMailData, undefined), 0)
})

const countMailData = defineRead(
  'test.count-mail-data',
  async tx => (await tx.get<{ count: number }>('SELECT count(*) AS count FROM mail_data'))?.count,
)

test('an administrator at mail that is being settled, and leases that are being extended: nobody waits for the other', async t => {
  const [one, two] = await openTwo(t)
  const accounts = await makeAccounts(one, ['anna', 'boris'])
  let id = 0
  for (let round = 0; round < 15; round++) {
    for (let n = 0; n < 10; n++) await accept(one, ++id, ['anna', 'boris'])
    const claimed = await claim(one, 'one', 100)
    const recipientIds = claimed.map(({ recipientId }) => recipientId)
    await Promise.all([
      file(one, 'one', claimed.toReversed(), accounts),
      one.run(extendLease, { owner: 'one', recipientIds, leaseUntil: now + 2e9 }),
      two.run(holdRecipients, { recipientIds, at: now }),
      two.run(releaseRecipients, { recipientIds: recipientIds.toReversed(), at: now }),
      two.run(cancelRecipients, { recipientIds, at: now }),
    ])
  }
  assert.deepEqual(await one.run(countQueue, undefined), { messages: 0, ready: 0, held: 0 })
  assert.equal(await deadlocks(), 0)
})

/** A report to the sender of the message, about one of its recipients. */
function reportOn({ messageId, recipientId }: Claimed, id: number): SettlementReport {
  const recipient = { forwardPath: address('anna@example.test') }
  return {
    message: { ...newMessage(id), recipients: [recipient] },
    recipientIds: [recipientId],
    about: { messageId, action: 'delayed', recipients: [] },
  }
}

test('leases that are given back or held, and a settling with reports on some of them: nobody waits for the other', async t => {
  const [one, two] = await openTwo(t)
  await makeAccounts(one, ['anna'])
  let id = 0
  for (let round = 0; round < 15; round++) {
    for (let n = 0; n < 20; n++) await accept(one, ++id, ['anna'])
    const claimed = await claim(one, 'one', 100)
    const recipientIds = claimed.map(({ recipientId }) => recipientId)
    const settlements = claimed.map(
      (each): Settlement => ({
        ...each,
        events: [],
        result: { kind: 'retry', tried: true, dueAt: now + 1e9, diagnosis: '', delayReported: false },
      }),
    )
    const reports = claimed.slice(10).map(each => reportOn(each, ++id))
    await Promise.all([
      one.run(settle, { owner: 'one', at: now, settlements, reports }),
      two.run(holdRecipients, { recipientIds, at: now }),
      two.run(giveBack, { owner: 'one', recipientIds, now }),
    ])
    const all = await findAll(one)
    await one.run(cancelRecipients, { recipientIds: all, at: now })
  }
  assert.equal(await deadlocks(), 0)
})

const findAll = (storage: Storage): Promise<readonly number[]> =>
  storage.run(findRecipients, { selection: {}, afterId: 0, limit: 1000 })

test('a report waits for whoever is taking one of those whom it names', async t => {
  const one = await open(t)
  await makeAccounts(one, ['anna', 'boris'])
  await accept(one, 1, ['anna', 'boris'])
  const [anna, boris] = await claim(one, 'one', 10)
  assert.ok(anna && boris)
  const settlements = [anna, boris].map(
    (each): Settlement => ({ ...each, events: [], result: { kind: 'done' } }),
  )
  const report = { ...reportOn(anna, 2), recipientIds: [anna.recipientId, boris.recipientId] }
  const other = new Client({ connectionString: own.uri })
  await other.connect()
  t.after(() => other.end())
  await other.query('BEGIN')
  await other.query('DELETE FROM queue_recipient WHERE id = $1', [boris.recipientId])
  const settled = one.run(settle, { owner: 'one', at: now, settlements, reports: [report] })
  await eventually('it waits', async () => {
    const [row] = await queryPostgres<{ waiting: number }>(
      own.uri,
      "SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    return row?.waiting === 1 || undefined
  })
  await other.query('COMMIT')
  assert.deepEqual(await settled, { unsettled: [boris.recipientId], orphanedFiles: [] })
})

test('an account that is removed while its mail is filed leaves no mail without an owner', async t => {
  const [one, two] = await openTwo(t)
  await makeAccounts(one, [])
  for (let round = 1; round <= 15; round++) {
    const name = `anna${round}`
    const { id: account } = await createNamed(one, name)
    await accept(one, round, [name])
    const claimed = await claim(one, 'one', 10)
    await Promise.all([
      file(one, 'one', claimed.slice(-1), [account]),
      two.run(removeAccount, { address: address(`${name}@example.test`), withContents: true }),
    ])
  }
  assert.equal(await one.run(countUnowned, undefined), 0)
  // What came too late is in the queue, to be routed again.
  const { messages } = await one.run(countQueue, undefined)
  assert.equal(await one.run(countMailData, undefined), messages)
})

const countUnowned = defineRead(
  'test.count-unowned',
  async tx =>
    (
      await tx.get<{ count: number }>(
        `SELECT (SELECT count(*) FROM mailbox WHERE account_id NOT IN (SELECT id FROM account))
              + (SELECT count(*) FROM mailbox_message WHERE mailbox_id NOT IN (SELECT id FROM mailbox)) AS count`,
      )
    )?.count,
)

test('an id that two servers make in the same moment is taken once; the other hears of it', async t => {
  const [one, two] = await openTwo(t)
  for (let id = 1; id <= 20; id++) {
    const outcomes = await Promise.allSettled([accept(one, id, ['anna']), accept(two, id, ['boris'])])
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  }
  assert.deepEqual(await one.run(countQueue, undefined), { messages: 20, ready: 20, held: 0 })
})

test('an address that two servers give to an account at once is given once', async t => {
  const [one, two] = await openTwo(t)
  await makeAccounts(one, [])
  for (let n = 1; n <= 10; n++) {
    const outcomes = await Promise.allSettled([createNamed(one, `name${n}`), createNamed(two, `name${n}`)])
    const refused = outcomes.filter(outcome => outcome.status === 'rejected')
    assert.equal(refused.length, 1)
    assert.match(String(refused[0]?.reason), /name\d+@example\.test/)
  }
})
