// What is in Junk and turns out to be wanted: it is in one place, with what was done to it, and both mailboxes count right.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeFlags } from '../../src/mailbox/change-flags.ts'
import type { Filing } from '../../src/mailbox/file-message.ts'
import { flags } from '../../src/mailbox/message-state.ts'
import { takeOutOfJunk } from '../../src/mailbox/take-out-of-junk.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { at, openMailboxes } from './open-mailboxes.ts'

const take = defineWrite(
  'test.take-out-of-junk',
  async (tx, filing: Filing) => await takeOutOfJunk(tx, filing),
)

const wanted = {
  accountId: 1,
  mailbox: 'INBOX',
  traceFields: 'Return-Path: <>\r\n',
  queueId: 1,
  receivedAt: at,
} as const

test('it moves to where it would have come, whatever its mailbox is called, and keeps its flags', async t => {
  const mailboxes = await openMailboxes(t)
  const { storage } = mailboxes
  await mailboxes.store(1)
  await mailboxes.store(2)
  await mailboxes.file(
    { queueId: 1, mailbox: 'Spam', specialUse: 'Junk', traceFields: 'Postrider-Verdict: quarantine\r\n' },
    { queueId: 2, mailbox: 'Spam', specialUse: 'Junk' },
  )
  const open = await mailboxes.open(1, 'Spam')
  const change = { mode: 'add', flags: flags.seen, keywords: ['Mine'] } as const
  await storage.run(changeFlags, { ...open, ...change, ranges: [{ first: 1, last: 1 }] })
  assert.equal(await storage.run(take, wanted), true)
  assert.deepEqual(await mailboxes.summaries(1), ['INBOX 1 40', 'Spam 1 23'])
  const [moved, ...others] = await mailboxes.list(1)
  assert.ok(moved)
  assert.deepEqual(others, [])
  assert.deepEqual(
    [moved.queueId, moved.flags, moved.keywords, moved.traceFields],
    [1, flags.seen, ['Mine'], wanted.traceFields],
  )
  assert.deepEqual(
    (await mailboxes.list(1, 'Spam')).map(({ uid, queueId }) => [uid, queueId]),
    [[2, 2]],
  )
  // It is there no more.
  assert.equal(await storage.run(take, wanted), false)
})

test('what is in another mailbox, or of another account, stays where it is', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.store(1)
  await mailboxes.file(
    { queueId: 1, mailbox: 'Saved' },
    { queueId: 1, accountId: 2, mailbox: 'Junk', specialUse: 'Junk' },
  )
  assert.equal(await mailboxes.storage.run(take, wanted), false)
  assert.deepEqual(await mailboxes.summaries(1), ['Saved 1 23'])
  assert.deepEqual(await mailboxes.summaries(2), ['Junk 1 23'])
})
