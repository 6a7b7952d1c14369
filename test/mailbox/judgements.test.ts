// What people put into Junk, take out of it or answer teaches the filter: their own and everybody's, once each, and not without end.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { changeFlags, type FlagChange } from '../../src/mailbox/change-flags.ts'
import { copyMessages, moveMessages } from '../../src/mailbox/copy-messages.ts'
import type { SpecialUse } from '../../src/mailbox/mailbox-row.ts'
import { flags } from '../../src/mailbox/message-state.ts'
import { createFilterKeeper } from '../../src/main/filter-keeper.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { greylistRules, type Visit, visitGreylist } from '../../src/screening/greylist.ts'
import {
  everybody,
  learnMessage,
  mostTaughtADay,
  readLearned,
  recallWords,
} from '../../src/screening/learning.ts'
import { numberOf } from '../../src/screening/words.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { at, openMailboxes, type TestMailboxes } from './open-mailboxes.ts'

const dayMs = 86_400_000

const removeMailData = defineWrite('test.remove-mail-data', async (tx, id: number) => {
  await tx.run('DELETE FROM mail_data WHERE id = ?', id)
})

async function openTaught(t: TestContext) {
  const mailboxes = await openMailboxes(t)
  const { storage, mailData } = mailboxes
  const clock = createManualClock(at)
  const keeper = createFilterKeeper({ storage, mailData, clock, log: silentLog })
  return {
    ...mailboxes,
    clock,
    keeper,
    /** Of one account, or of all together: messages of spam and wanted ones. */
    async learned(accountId: number): Promise<readonly [spam: number, ham: number]> {
      await keeper.look()
      const { spam, ham } = await storage.run(readLearned, { accountId })
      return [spam, ham]
    },
  }
}

async function file(
  mailboxes: TestMailboxes,
  queueIds: readonly number[],
  [mailbox, specialUse]: readonly [string, SpecialUse?] = ['INBOX'],
): Promise<void> {
  for (const id of queueIds) await mailboxes.store(id, `Subject: Number ${id}\r\n\r\nCheap pills\r\n`)
  await mailboxes.file(
    ...queueIds.map(queueId => ({ queueId, mailbox, ...(specialUse === undefined ? {} : { specialUse }) })),
  )
}

async function bring(
  mailboxes: TestMailboxes,
  verb: typeof copyMessages,
  names: readonly [from: string, to: string],
  [first, last]: readonly [number, number] = [1, 1],
): Promise<void> {
  const { kind } = await mailboxes.storage.run(verb, {
    from: await mailboxes.open(1, names[0]),
    ranges: [{ first, last }],
    to: { accountId: 1, name: names[1] },
    now: at,
  })
  assert.equal(kind, 'copied')
}

async function answer(
  mailboxes: TestMailboxes,
  name: string,
  change: Partial<FlagChange> = {},
): Promise<void> {
  const opened = await mailboxes.open(1, name)
  const usual = { ranges: [{ first: 1, last: 2 }], mode: 'add', flags: flags.answered, keywords: [] } as const
  await mailboxes.storage.run(changeFlags, { ...opened, ...usual, ...change })
}

test('moved or copied into Junk it is spam, out of it wanted, and what is moved back is learned anew', async t => {
  const filter = await openTaught(t)
  await file(filter, [1, 2])
  await file(filter, [3], ['Spam', 'Junk'])
  await bring(filter, moveMessages, ['INBOX', 'Spam'])
  assert.deepEqual(await filter.learned(1), [1, 0])
  await bring(filter, copyMessages, ['INBOX', 'Spam'], [2, 2])
  assert.deepEqual(await filter.learned(1), [2, 0])
  assert.deepEqual(await filter.learned(everybody), [2, 0])
  // The first that came into it, and of those that were moved the first.
  await bring(filter, moveMessages, ['Spam', 'INBOX'], [1, 2])
  assert.deepEqual(await filter.learned(1), [1, 2])
  const { words } = await filter.storage.run(recallWords, {
    accountId: everybody,
    words: [numberOf('pills')],
  })
  assert.deepEqual(words, [{ spam: 1, ham: 2 }])
})

test('what is answered is wanted, once, and not where it is Junk or gone; put into Junk afterwards it is spam', async t => {
  const filter = await openTaught(t)
  await file(filter, [1, 2, 3])
  await file(filter, [4], ['Junk', 'Junk'])
  await file(filter, [5], ['Trash', 'Trash'])
  await file(filter, [6], ['Sent', 'Sent'])
  await file(filter, [7], ['Work'])
  await answer(filter, 'INBOX', { flags: flags.seen | flags.flagged })
  for (const name of ['Junk', 'Trash', 'Sent']) await answer(filter, name)
  assert.deepEqual(await filter.learned(1), [0, 0])
  await answer(filter, 'INBOX')
  await answer(filter, 'Work', { mode: 'set', flags: flags.answered | flags.seen })
  assert.deepEqual(await filter.learned(1), [0, 3])
  await answer(filter, 'INBOX', { mode: 'remove' })
  await answer(filter, 'INBOX')
  assert.deepEqual(await filter.learned(everybody), [0, 3])
  await bring(filter, moveMessages, ['INBOX', 'Junk'])
  assert.deepEqual(await filter.learned(1), [1, 2])
})

test('no judgement is what goes from Junk into Trash, what stays out of Junk, and what its writer puts there', async t => {
  const filter = await openTaught(t)
  await file(filter, [1])
  await file(filter, [2], ['Junk', 'Junk'])
  await file(filter, [3], ['Sent', 'Sent'])
  await file(filter, [4], ['Trash', 'Trash'])
  await file(filter, [5], ['Archive', 'Archive'])
  await bring(filter, moveMessages, ['Junk', 'Trash'])
  await bring(filter, moveMessages, ['Sent', 'Junk'])
  await bring(filter, moveMessages, ['INBOX', 'Archive'])
  assert.deepEqual(await filter.learned(everybody), [0, 0])
})

test('an account teaches so much of a kind in a day and no more, and may always take back what it has taught', async t => {
  const filter = await openTaught(t)
  const count = mostTaughtADay + 5
  await file(
    filter,
    Array.from({ length: count }, (_, n) => n + 1),
  )
  await file(filter, [1000], ['Junk', 'Junk'])
  await bring(filter, moveMessages, ['INBOX', 'Junk'], [1, count])
  assert.deepEqual(await filter.learned(everybody), [mostTaughtADay, 0])
  await file(filter, [1001], ['Work'])
  await answer(filter, 'Work')
  assert.deepEqual(await filter.learned(everybody), [mostTaughtADay, 1])
  await bring(filter, moveMessages, ['Junk', 'INBOX'], [2, 1000])
  assert.deepEqual(await filter.learned(everybody), [0, mostTaughtADay + 1])
  filter.clock.advance(dayMs)
  await bring(filter, moveMessages, ['INBOX', 'Junk'], [count + mostTaughtADay + 1, 1000])
  assert.deepEqual(await filter.learned(everybody), [count - mostTaughtADay, mostTaughtADay + 1])
})

test('mail that has gone before it was learned holds up nobody', async t => {
  const filter = await openTaught(t)
  await file(filter, [1, 2])
  await file(filter, [3], ['Junk', 'Junk'])
  await bring(filter, moveMessages, ['INBOX', 'Junk'], [1, 2])
  await filter.storage.run(removeMailData, 1)
  assert.deepEqual(await filter.learned(1), [1, 0])
})

test('who has not come for two months is greylisted anew, and words met once half a year ago are forgotten', async t => {
  const { storage, clock, keeper } = await openTaught(t)
  const visit = (): Visit => ({
    origins: ['192.0.2.0/24'],
    sender: 'boris@there.test',
    recipient: 'anna@here.test',
    now: clock.now(),
  })
  const come = async () => (await storage.run(visitGreylist, { visit: visit(), rules: greylistRules })).kind
  assert.equal(await come(), 'come-again')
  clock.advance(greylistRules.waitMs)
  assert.equal(await come(), 'known')
  const lesson = { accountId: 1, messageId: 1, words: [numberOf('once')] }
  await storage.run(learnMessage, { ...lesson, kind: 'spam', now: clock.now() })
  clock.advance(59 * dayMs)
  await keeper.look()
  assert.equal(await come(), 'known')
  clock.advance(61 * dayMs)
  await keeper.look()
  assert.equal(await come(), 'come-again')
  clock.advance(61 * dayMs)
  await keeper.look()
  const recall = async () =>
    (await storage.run(recallWords, { accountId: everybody, words: lesson.words })).words
  // Another message of each kind, so that there is something to recall.
  const other = { accountId: 1, words: [numberOf('other')], now: clock.now() }
  await storage.run(learnMessage, { ...other, messageId: 2, kind: 'ham' })
  assert.deepEqual(await recall(), [])
  // What was forgotten is not owed when its message is taken back.
  await storage.run(learnMessage, { ...lesson, kind: 'ham', now: clock.now() })
  await storage.run(learnMessage, { ...other, messageId: 3, kind: 'spam' })
  assert.deepEqual(await recall(), [{ spam: 0, ham: 1 }])
})
