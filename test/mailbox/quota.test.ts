// How much an account has: exact after whatever comes and leaves; and what has no room is refused as a whole.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createAccount } from '../../src/directory/accounts.ts'
import { createDomain } from '../../src/directory/domains.ts'
import type { AccountTerms } from '../../src/directory/records.ts'
import { type Changed, changeAccountTerms, changeDomainTerms } from '../../src/directory/terms.ts'
import { appendMessages } from '../../src/mailbox/append-messages.ts'
import { changeFlags } from '../../src/mailbox/change-flags.ts'
import { copyMessages, moveMessages } from '../../src/mailbox/copy-messages.ts'
import { listExpunged, restoreExpunged } from '../../src/mailbox/expunged.ts'
import { findMailboxDamage, mendMailbox } from '../../src/mailbox/mailbox-damage.ts'
import { flags } from '../../src/mailbox/message-state.ts'
import {
  createMailbox,
  findMailbox,
  removeMailbox,
  renameMailbox,
} from '../../src/mailbox/name-operations.ts'
import { type Extent, findRoom, levelOf, noLimit, type Quota } from '../../src/mailbox/quota.ts'
import {
  findLackOfRoom,
  findUseDamage,
  mendUse,
  readQuotaOf,
  updateLevel,
} from '../../src/mailbox/quota-operations.ts'
import { defineWrite, type Storage } from '../../src/storage/operation.ts'
import { at, openMailboxes, type TestMailboxes } from './open-mailboxes.ts'

const text = `Subject: Test\r\n\r\n${'x'.repeat(80)}\r\n`
const size = Buffer.byteLength(text)
const address = { localPart: 'anna', domain: 'example.test' }
const hash = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b27Ug'

interface Opened {
  readonly mailboxes: TestMailboxes
  readonly storage: Storage

  readonly use: () => Promise<Quota>
  /** Sizes and numbers, as the account has them; as its mailboxes have them, they are the same. */
  readonly used: () => Promise<Extent>
  readonly limit: (change: Changed<AccountTerms>) => Promise<void>
}

async function openAccount(t: TestContext, usual: Extent = noLimit): Promise<Opened> {
  const opened = await openMailboxes(t)
  const { storage } = opened
  await storage.run(createDomain, { name: 'example.test', at })
  const account = { address, name: '', passwordHash: hash, language: 'en', enabled: true, at } as const
  const { id } = await storage.run(createAccount, account)
  assert.equal(id, 1)
  const use = async (): Promise<Quota> =>
    (await storage.run(readQuotaOf, { accountId: 1, usual })) ?? assert.fail('it is there')
  return {
    mailboxes: opened,
    storage,
    use,
    async used() {
      assert.deepEqual(await findMailboxDamage(storage), [])
      assert.deepEqual(await findUseDamage(storage), [])
      return (await use()).used
    },
    limit: change => storage.run(changeAccountTerms, { address, change }),
  }
}

const times = (count: number): Extent => ({ bytes: count * size, messages: count })
const twoFull = { bytes: 2 * size, messages: 0 }

test('what an account has is exact after each way in which a message comes, moves and leaves', async t => {
  const { storage, used, mailboxes } = await openAccount(t)
  assert.deepEqual(await used(), noLimit)
  await mailboxes.store(1, text)
  await mailboxes.store(2, text)
  await mailboxes.file({ queueId: 1 }, { queueId: 2 })
  assert.deepEqual(await used(), times(2))

  const writer = mailboxes.mailData.create()
  await writer.write(Buffer.from(text))
  const appended = { id: 3, mailData: await writer.finish(), flags: 0, keywords: [], receivedAt: at }
  const inbox = await mailboxes.open()
  const outcome = await storage.run(appendMessages, { to: inbox, messages: [appended], now: at })
  assert.deepEqual(outcome, { kind: 'appended', firstUid: 3 })
  assert.deepEqual(await used(), times(3))

  const copying = { from: inbox, ranges: [{ first: 1, last: 2 }], now: at }
  await storage.run(copyMessages, { ...copying, to: { accountId: 1, name: 'Archive' } })
  assert.deepEqual(await used(), times(5), 'a copy counts')
  await storage.run(moveMessages, { ...copying, to: { accountId: 1, name: 'Trash' } })
  assert.deepEqual(await used(), times(5), 'what moves does not')
  await storage.run(renameMailbox, { accountId: 1, name: 'INBOX', to: 'Old', now: at })
  assert.deepEqual(await used(), times(5))

  const trash = await mailboxes.open(1, 'Trash')
  await storage.run(changeFlags, {
    ...trash,
    ranges: [{ first: 1, last: 1 }],
    mode: 'add',
    flags: flags.deleted,
    keywords: [],
  })
  const flagged = await storage.run(findMailbox, { accountId: 1, name: 'Trash' })
  assert.deepEqual([flagged?.deleted, flagged?.deletedBytes], [1, size])
  await mailboxes.expunge([1], trash)
  assert.deepEqual(await used(), times(4), 'what is kept aside does not count')
  const emptied = await storage.run(findMailbox, { accountId: 1, name: 'Trash' })
  assert.deepEqual([emptied?.deleted, emptied?.deletedBytes], [0, 0])

  const [aside] = await storage.run(listExpunged, { accountId: 1, limit: 10 })
  await storage.run(restoreExpunged, { accountId: 1, id: aside?.id ?? 0, now: at })
  assert.deepEqual(await used(), times(5))
  await storage.run(removeMailbox, { accountId: 1, name: 'Archive', now: at })
  assert.deepEqual(await used(), times(3))
})

test('a limit is of the account, else of its domain, else of the settings; 0 is none', async t => {
  const { storage, use, limit } = await openAccount(t, { bytes: 100, messages: 10 })
  const limits = async (): Promise<Extent> => (await use()).limit
  assert.deepEqual(await limits(), { bytes: 100, messages: 10 })
  await storage.run(changeDomainTerms, { domain: 'example.test', change: { quotaBytes: 50 } })
  assert.deepEqual(await limits(), { bytes: 50, messages: 10 })
  await limit({ quotaBytes: 0, quotaMessages: 3 })
  assert.deepEqual(await limits(), { bytes: 0, messages: 3 })
  await limit({ quotaBytes: 'usual' })
  assert.deepEqual(await limits(), { bytes: 50, messages: 3 })
  await storage.run(changeDomainTerms, { domain: 'example.test', change: { quotaBytes: 'usual' } })
  assert.deepEqual(await limits(), { bytes: 100, messages: 3 })
})

test('what is appended or copied beyond the limit does not come, not even in part', async t => {
  const { storage, used, mailboxes } = await openAccount(t)
  await mailboxes.store(1, text)
  await mailboxes.file({ queueId: 1 })
  const inbox = await mailboxes.open()
  const appended = async (...ids: number[]) => {
    const messages = []
    for (const id of ids) {
      const writer = mailboxes.mailData.create()
      await writer.write(Buffer.from(text))
      messages.push({ id, mailData: await writer.finish(), flags: 0, keywords: [], receivedAt: at })
    }
    return messages
  }
  const append = async (...ids: number[]) =>
    await storage.run(appendMessages, {
      to: inbox,
      messages: await appended(...ids),
      usual: twoFull,
      now: at,
    })
  assert.deepEqual(await append(2, 3), { kind: 'over-quota' })
  assert.deepEqual(await used(), times(1))
  assert.deepEqual(await append(4), { kind: 'appended', firstUid: 2 })
  const copying = { from: inbox, ranges: [{ first: 1, last: 1 }], usual: twoFull, now: at }
  const to = { accountId: 1, name: 'Archive' }
  assert.deepEqual(await storage.run(copyMessages, { ...copying, to }), { kind: 'over-quota' })
  assert.deepEqual(await used(), times(2))
  // What takes the place of another needs its room only.
  const replaced = {
    to: inbox,
    messages: await appended(5),
    replaces: { from: inbox, uid: 1 },
    usual: twoFull,
    now: at,
  }
  assert.deepEqual(await storage.run(appendMessages, replaced), { kind: 'appended', firstUid: 3 })
  assert.equal(
    (await storage.run(moveMessages, { ...copying, ranges: [{ first: 3, last: 3 }], to })).kind,
    'copied',
  )
  assert.deepEqual(await used(), times(2))
})

test('a mailbox of many folders counts for one account: what is made and removed in between changes nothing', async t => {
  const { storage, used } = await openAccount(t)
  await storage.run(createMailbox, { accountId: 1, name: 'A/B/C', now: at })
  await storage.run(removeMailbox, { accountId: 1, name: 'A/B', now: at })
  assert.deepEqual(await used(), noLimit)
})

test('a wrong count is found, and counted anew; a mailbox that is made anew takes its account with it', async t => {
  const { storage, use, mailboxes } = await openAccount(t)
  await mailboxes.store(1, text)
  await mailboxes.file({ queueId: 1 })
  const spoil = defineWrite('test.spoil', async (tx, sql: string) => void (await tx.run(sql)))
  await storage.run(spoil, 'UPDATE account SET used_bytes = 7, used_messages = 9')
  assert.deepEqual(await findUseDamage(storage), [{ accountId: 1, address: 'anna@example.test' }])
  await storage.run(mendUse, { accountId: 1 })
  assert.deepEqual(await findUseDamage(storage), [])
  assert.deepEqual((await use()).used, times(1))
  await storage.run(spoil, 'UPDATE mailbox SET bytes = 7, deleted_bytes = 3 WHERE messages > 0')
  const { mailboxId } = await mailboxes.open()
  assert.deepEqual(await findMailboxDamage(storage), [
    {
      mailboxId,
      accountId: 1,
      address: 'anna@example.test',
      name: 'INBOX',
      problems: ['it counts wrong: bytes, deletedBytes'],
      lost: [],
    },
  ])
  await storage.run(mendMailbox, { mailboxId, accountId: 1 })
  assert.deepEqual(await findMailboxDamage(storage), [])
  assert.deepEqual(await findUseDamage(storage), [])
})

const week = 7 * 24 * 3_600_000
const quota = (used: Extent, limit: Extent, level: Quota['level'] = 0, levelSince = at): Quota => ({
  used,
  limit,
  level,
  levelSince,
})
const one = { bytes: 10, messages: 1 }

test('there is room up to the limit; without one always; and what was accepted may go a little beyond it', () => {
  const limit = { bytes: 100, messages: 0 }
  assert.equal(findRoom(quota({ bytes: 90, messages: 5 }, limit), one, { now: at }), 'there')
  assert.equal(findRoom(quota({ bytes: 91, messages: 5 }, limit), one, { now: at }), 'full')
  assert.equal(findRoom(quota({ bytes: 91, messages: 5 }, limit), one, { now: at, spare: 0.1 }), 'there')
  assert.equal(findRoom(quota({ bytes: 101, messages: 5 }, limit), one, { now: at, spare: 0.1 }), 'full')
  assert.equal(findRoom(quota({ bytes: 1e9, messages: 1e6 }, noLimit), one, { now: at }), 'there')
  const many = { bytes: 0, messages: 5 }
  assert.equal(findRoom(quota({ bytes: 90, messages: 5 }, many), one, { now: at }), 'full')
  assert.equal(
    findRoom(quota({ bytes: 0, messages: 0 }, { bytes: 9, messages: 0 }), one, { now: at }),
    'too-large',
  )
  // Whoever is over a limit that was lowered may still make less of it.
  assert.equal(
    findRoom(quota({ bytes: 300, messages: 5 }, limit), { bytes: -5, messages: 0 }, { now: at }),
    'there',
  )
})

test('who was warned and has made no room for a week is full for long', () => {
  const full = quota({ bytes: 100, messages: 1 }, { bytes: 100, messages: 0 }, 95)
  assert.equal(findRoom(full, one, { now: at + week - 1 }), 'full')
  assert.equal(findRoom(full, one, { now: at + week }), 'full-for-long')
  assert.equal(findRoom({ ...full, level: 80 }, one, { now: at + week }), 'full')
})

test('a level is reached at 80 and 95 per cent of either limit, and left at five less', () => {
  const levels = (level: Quota['level'], ...percents: number[]): number[] =>
    percents.map(bytes =>
      levelOf({ used: { bytes, messages: 0 }, limit: { bytes: 100, messages: 9 }, level }),
    )
  assert.deepEqual(levels(0, 0, 79, 80, 94, 95, 130), [0, 0, 80, 80, 95, 95])
  assert.deepEqual(levels(95, 91, 90, 89, 75, 74), [95, 95, 80, 80, 0])
  assert.deepEqual(levels(80, 79, 75, 74), [80, 80, 0])
  const byNumber = { used: { bytes: 0, messages: 8 }, limit: { bytes: 0, messages: 10 }, level: 0 } as const
  assert.equal(levelOf(byNumber), 80)
})

test('the level is noted with what reaches it, and left when somebody looks', async t => {
  const { storage, use, mailboxes } = await openAccount(t, twoFull)
  await mailboxes.store(9, text)
  await mailboxes.file({ queueId: 9 })
  const inbox = await mailboxes.open()
  const writer = mailboxes.mailData.create()
  await writer.write(Buffer.from(text))
  const messages = [{ id: 3, mailData: await writer.finish(), flags: 0, keywords: [], receivedAt: at }]
  await storage.run(appendMessages, { to: inbox, messages, usual: twoFull, now: at + 5 })
  const { level, levelSince } = await use()
  assert.deepEqual([level, levelSince], [95, at + 5])
  await storage.run(updateLevel, { accountId: 1, usual: twoFull, now: at + 6 })
  assert.equal((await use()).levelSince, at + 5)
  await mailboxes.expunge([1])
  await storage.run(updateLevel, { accountId: 1, usual: twoFull, now: at + 7 })
  assert.equal((await use()).level, 0)
})

test('a message that the account has already needs no room', async t => {
  const { storage, mailboxes } = await openAccount(t)
  await mailboxes.store(1, text)
  await mailboxes.file({ queueId: 1 })
  const usual = { bytes: 0, messages: 1 }
  const question = { accountId: 1, usual, coming: times(1), now: at }
  assert.equal((await storage.run(findLackOfRoom, question))?.room, 'full')
  assert.equal((await storage.run(findLackOfRoom, { ...question, queueId: 2 }))?.room, 'full')
  assert.equal(await storage.run(findLackOfRoom, { ...question, queueId: 1 }), undefined)
  assert.equal(await storage.run(findLackOfRoom, { ...question, accountId: 77 }), undefined)
})
