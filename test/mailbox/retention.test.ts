// Trash and Junk are emptied of what has been there for its time, by a clock that the test moves.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createAccount } from '../../src/directory/accounts.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { changeAccountTerms } from '../../src/directory/terms.ts'
import { isRefusal } from '../../src/imap/server/mailbox-services.ts'
import { AccountMailboxes } from '../../src/mail-access/account-mailboxes.ts'
import { createMailboxChanges } from '../../src/mail-access/mailbox-changes.ts'
import { copyMessages, moveMessages } from '../../src/mailbox/copy-messages.ts'
import { listExpunged } from '../../src/mailbox/expunged.ts'
import { findMailboxDamage } from '../../src/mailbox/mailbox-damage.ts'
import { noLimit } from '../../src/mailbox/quota.ts'
import { findUseDamage } from '../../src/mailbox/quota-operations.ts'
import { createHouseKeeper } from '../../src/main/house-keeper.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { OneByOne } from '../../src/runtime/one-by-one.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { told } from '../mail-access/open-account.ts'
import { openMailboxes } from './open-mailboxes.ts'

const dayMs = 24 * 3_600_000
const address = { localPart: 'anna', domain: 'example.test' }
const hash = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b27Ug'

async function open(
  t: TestContext,
  settings: { readonly keepTrashDays?: number; readonly keepJunkDays?: number } = {},
) {
  const mailboxes = await openMailboxes(t)
  const { storage, mailData } = mailboxes
  const clock = createManualClock()
  const at = clock.now()
  await storage.run(createDomain, { name: 'example.test', at })
  const account = { address, name: '', passwordHash: hash, language: 'en', enabled: true, at } as const
  await storage.run(createAccount, account)
  const keeper = createHouseKeeper({
    storage,
    mailData,
    clock,
    log: silentLog,
    keepExpungedDays: 14,
    keepTrashDays: 30,
    keepJunkDays: 30,
    ...settings,
  })
  let lastId = 0
  return {
    mailboxes,
    storage,
    clock,
    file: async (mailbox: string): Promise<void> => {
      await mailboxes.store(++lastId)
      await mailboxes.file({ queueId: lastId, mailbox, receivedAt: clock.now() })
    },
    /** Some days later the house is kept. */
    pass: async (days: number): Promise<void> => {
      clock.advance(days * dayMs)
      await keeper.look()
    },
    uids: async (mailbox: string) => (await mailboxes.list(1, mailbox)).map(({ uid }) => uid),
  }
}

test('what has been in Trash and Junk for 30 days leaves them, and can be had back for 14 more', async t => {
  const { mailboxes, storage, file, pass, uids } = await open(t)
  for (const mailbox of ['INBOX', 'Trash', 'Junk', 'Archive']) await file(mailbox)
  await pass(10)
  await file('Trash')
  await pass(20)
  assert.deepEqual(await uids('Trash'), [1, 2], 'not a moment too early')
  await pass(1)
  assert.deepEqual(await uids('Trash'), [2])
  assert.deepEqual(await uids('Junk'), [])
  assert.deepEqual(await uids('INBOX'), [1])
  assert.deepEqual(await uids('Archive'), [1])
  const aside = await storage.run(listExpunged, { accountId: 1, limit: 10 })
  assert.deepEqual(aside.map(({ mailbox }) => mailbox).toSorted(), ['Junk', 'Trash'])
  await pass(13)
  assert.equal((await storage.run(listExpunged, { accountId: 1, limit: 10 })).length, 3)
  await pass(2)
  assert.deepEqual(
    (await storage.run(listExpunged, { accountId: 1, limit: 10 })).map(({ uid }) => uid),
    [2],
  )
  await assert.rejects(mailboxes.read(2))
  assert.deepEqual(await findMailboxDamage(storage), [])
  assert.deepEqual(await findUseDamage(storage), [])
})

test('the days count from when it came there, however old it is', async t => {
  const { mailboxes, storage, clock, file, pass, uids } = await open(t)
  await file('INBOX')
  await pass(400)
  const from = await mailboxes.open()
  const moving = { from, ranges: [{ first: 1, last: 1 }], now: clock.now() }
  await storage.run(copyMessages, { ...moving, to: { accountId: 1, name: 'Trash' } })
  await storage.run(moveMessages, { ...moving, to: { accountId: 1, name: 'Junk' } })
  await pass(30)
  assert.deepEqual(await uids('Trash'), [1])
  assert.deepEqual(await uids('Junk'), [1])
  await pass(1)
  assert.deepEqual(await uids('Trash'), [])
  assert.deepEqual(await uids('Junk'), [])
})

test('an account may have other days than the settings, or keep all for ever', async t => {
  const { storage, file, pass, uids } = await open(t, { keepTrashDays: 0, keepJunkDays: 7 })
  await storage.run(changeAccountTerms, { address, change: { keepJunkDays: 100 } })
  await file('Trash')
  await file('Junk')
  await pass(99)
  assert.deepEqual(await uids('Trash'), [1])
  assert.deepEqual(await uids('Junk'), [1])
  await pass(2)
  assert.deepEqual(await uids('Junk'), [])
  await storage.run(changeAccountTerms, { address, change: { keepTrashDays: 100, keepJunkDays: 0 } })
  await file('Junk')
  await pass(1)
  assert.deepEqual(await uids('Trash'), [])
  await pass(3000)
  assert.deepEqual(await uids('Junk'), [2])
})

test('a thousand at once go in steps, and a session that has the mailbox open sees them go', async t => {
  const { mailboxes, storage, clock, pass, uids } = await open(t)
  await mailboxes.store(1)
  const filings = Array.from({ length: 1000 }, () => ({
    queueId: 1,
    mailbox: 'Trash',
    receivedAt: clock.now(),
  }))
  await mailboxes.file(...filings)
  await mailboxes.file({ queueId: 1, mailbox: 'Trash', receivedAt: clock.now() + 20 * dayMs })
  const session = new AccountMailboxes(
    {
      hostname: 'mail.example.test',
      storage,
      mailData: mailboxes.mailData,
      clock,
      random: systemRandom,
      changes: createMailboxChanges(storage),
      nextQueueId: () => 0,
      usualQuota: noLimit,
      sorting: new OneByOne(),
    },
    1,
  )
  const trash = await session.select('Trash', {
    access: 'read-write',
    quickResync: undefined,
    tellsRecent: false,
  })
  assert.ok(!isRefusal(trash))
  assert.equal(trash.facts.exists, 1001)
  await pass(31)
  assert.deepEqual(await uids('Trash'), [1001])
  const [change, ...others] = told(await trash.takeChanges('all'))
  assert.match(change ?? '', /^expunged 1 1 1 /)
  assert.equal(change?.split(' ').length, 1001)
  assert.deepEqual(others, [])
  session.close()
})
