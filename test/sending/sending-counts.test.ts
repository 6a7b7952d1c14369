// What accounts send, counted in the database, and whose mail is held because of it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { listAlerts } from '../../src/alert/operations.ts'
import { removeAccount } from '../../src/directory/accounts.ts'
import { endAccountHold, listAccountHolds } from '../../src/queue/account-holds.ts'
import {
  countSending,
  forgetCorrespondents,
  hasWrittenTo,
  knowsCorrespondent,
  noteCorrespondent,
  type SendingCounts,
} from '../../src/sending/sending-counts.ts'
import { defineRead, type Storage } from '../../src/storage/operation.ts'
import { address, createWorld } from '../delivery/world.ts'

const hour = 3_600_000
const day = 24 * hour
const anna = 'anna@example.test'

const countRows = defineRead('test.count-rows', async tx => {
  const count = async (table: string): Promise<number> =>
    (await tx.get<{ count: number }>(`SELECT count(*) AS count FROM ${table}`))?.count ?? 0
  return [await count('sending_count'), await count('correspondent'), await count('account_hold')]
})

interface Account {
  readonly storage: Storage
  readonly accountId: number
  readonly start: number
  /** Addresses of those who are told of new ones, from `from` on. */
  readonly writeTo: (many: number, now: number, from?: number) => Promise<void>
  readonly count: (
    counts: Omit<SendingCounts, 'accountId'>,
    now: number,
    bulkSenders?: string[],
  ) => Promise<string[]>
}

async function openAccount(t: TestContext): Promise<Account> {
  const world = await createWorld(t)
  const { storage, clock } = world
  const accountId = await world.account(anna)
  return {
    storage,
    accountId,
    start: clock.now(),
    async writeTo(many, now, from = 0) {
      await Promise.all(
        Array.from({ length: many }, (_, n) =>
          storage.run(noteCorrespondent, {
            accountId,
            addressKey: `user${from + n}@example.org`,
            most: 0,
            now,
          }),
        ),
      )
    },
    async count(counts, now, bulkSenders = []) {
      const held = await storage.run(countSending, {
        counts: [{ accountId, ...counts }],
        now,
        holdsSuspects: true,
        bulkSenders,
      })
      return held.map(({ account: whose }) => whose)
    },
  }
}

test('an address is new once, and again when nothing was written to it for two years', async t => {
  const { storage, accountId, start } = await openAccount(t)
  const question = { accountId, addressKey: 'boris@example.org', now: start }
  assert.equal(await storage.run(knowsCorrespondent, question), 'new')
  assert.deepEqual(await storage.run(noteCorrespondent, { ...question, most: 1 }), { kind: 'noted' })
  assert.equal(await storage.run(knowsCorrespondent, question), 'known')
  assert.equal(await storage.run(knowsCorrespondent, { ...question, now: start + 31 * day }), 'stale')
  assert.deepEqual(await storage.run(noteCorrespondent, { ...question, most: 1, now: start + 31 * day }), {
    kind: 'noted',
  })
  assert.equal(await storage.run(knowsCorrespondent, { ...question, now: start + 32 * day }), 'known')
  assert.equal(await storage.run(knowsCorrespondent, { ...question, now: start + 800 * day }), 'new')
  assert.equal(await storage.run(forgetCorrespondents, { now: start + 800 * day }), 1)
})

test('one of several has written to one of several addresses, or none has', async t => {
  const { storage, accountId, start } = await openAccount(t)
  const question = {
    accountIds: [accountId + 1, accountId],
    addressKeys: ['x@example.org', 'boris@example.org'],
    now: start,
  }
  assert.equal(await storage.run(hasWrittenTo, question), false)
  await storage.run(noteCorrespondent, { accountId, addressKey: 'boris@example.org', most: 1, now: start })
  assert.equal(await storage.run(hasWrittenTo, question), true)
  assert.equal(await storage.run(hasWrittenTo, { ...question, accountIds: [accountId + 1] }), false)
  assert.equal(await storage.run(hasWrittenTo, { ...question, addressKeys: ['x@example.org'] }), false)
  assert.equal(await storage.run(hasWrittenTo, { ...question, now: start + 800 * day }), false)
})

test('so many new addresses in 24 hours, and those who are known go on', async t => {
  const { storage, accountId, start } = await openAccount(t)
  const note = (name: string, now: number) =>
    storage.run(noteCorrespondent, { accountId, addressKey: `${name}@example.org`, most: 2, now })
  assert.deepEqual(await note('a', start), { kind: 'noted' })
  assert.deepEqual(await note('b', start + 2 * hour), { kind: 'noted' })
  const until = Math.floor(start / hour) * hour + day
  assert.deepEqual(await note('c', start + 3 * hour), { kind: 'too-many', until })
  assert.deepEqual(await note('a', start + 3 * hour), { kind: 'noted' })
  assert.deepEqual(await note('c', until), { kind: 'noted' })
  assert.equal((await note('d', until)).kind, 'too-many')
})

test('a flood to strangers holds the mail once, raises one alert, and not again for a day after the release', async t => {
  const { storage, accountId, start, writeTo, count } = await openAccount(t)
  await count({ recipients: 10 }, start - 3 * day)
  await writeTo(99, start)
  assert.deepEqual(await count({ recipients: 99 }, start), [])
  await writeTo(1, start, 99)
  assert.deepEqual(await count({ recipients: 1 }, start), [anna])
  assert.deepEqual(await count({ recipients: 1 }, start), [], 'it is on hold')
  const [hold, ...others] = await storage.run(listAccountHolds, undefined)
  assert.deepEqual(others, [])
  assert.deepEqual(hold, {
    accountId,
    since: start,
    reason:
      '100 recipients elsewhere within two hours, 100 of them never written to before; the busiest hour of the 30 days before had 10',
  })
  const alerts = await storage.run(listAlerts, { which: 'open' })
  assert.deepEqual(
    alerts.map(({ kind, subject, times }) => [kind, subject, times]),
    [['account-held', anna, 1]],
  )
  assert.equal(await storage.run(endAccountHold, { accountId, at: start + hour }), true)
  assert.equal(await storage.run(endAccountHold, { accountId, at: start + hour }), false)
  await writeTo(110, start + 2 * hour, 100)
  assert.deepEqual(await count({ recipients: 110 }, start + 2 * hour), [], 'somebody has looked at it')
  await writeTo(550, start + 2 * day, 1000)
  assert.deepEqual(await count({ recipients: 550 }, start + 2 * day), [anna])
})

test('a mailing of a bulk sender holds nothing; nor does one when the settings say so', async t => {
  const { storage, accountId, start, writeTo, count } = await openAccount(t)
  await writeTo(400, start)
  assert.deepEqual(await count({ recipients: 400 }, start, ['example.test']), [])
  const counts = [{ accountId, recipients: 1 }]
  const off = { counts, now: start, holdsSuspects: false, bulkSenders: [] }
  assert.deepEqual(await storage.run(countSending, off), [])
  assert.deepEqual(await count({ recipients: 1 }, start), [anna])
})

test('addresses that do not exist hold it too', async t => {
  const { start, count } = await openAccount(t)
  await count({ recipients: 50, ended: 29, failed: 29 }, start)
  assert.deepEqual(await count({ ended: 1, failed: 1 }, start + hour), [anna])
})

test('two servers that find it at once hold it once', async t => {
  const { storage, start, accountId, writeTo } = await openAccount(t)
  await writeTo(300, start)
  const counting = {
    counts: [{ accountId, recipients: 150 }],
    now: start,
    holdsSuspects: true,
    bulkSenders: [],
  }
  const held = await Promise.all(Array.from({ length: 4 }, () => storage.run(countSending, counting)))
  assert.equal(held.flat().length, 1)
  const [alert] = await storage.run(listAlerts, { which: 'open' })
  assert.equal(alert?.times, 1)
})

test('an account keeps a month of hours, and nothing is left when it is removed', async t => {
  const { storage, start, writeTo, count } = await openAccount(t)
  for (let n = 0; n < 40; n++) await count({ recipients: 1 }, start + n * day)
  await writeTo(3, start + 39 * day)
  await storage.run(endAccountHold, { accountId: 0, at: start })
  assert.deepEqual(await storage.run(countRows, undefined), [32, 3, 0])
  await storage.run(removeAccount, { address: address(anna), withContents: true })
  assert.deepEqual(await storage.run(countRows, undefined), [0, 0, 0])
})
