// What leaves a mailbox can be had back for a while; then its mail data goes with the last that refers to it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeFlags } from '../../src/mailbox/change-flags.ts'
import { expungeMessages } from '../../src/mailbox/expunge.ts'
import {
  type ExpungedFrom,
  findExpungedFrom,
  forgetExpunged,
  listExpunged,
  restoreExpunged,
} from '../../src/mailbox/expunged.ts'
import { flags } from '../../src/mailbox/message-state.ts'
import { removeMailbox } from '../../src/mailbox/name-operations.ts'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import { cancelRecipients } from '../../src/queue/administer.ts'
import { findRecipients } from '../../src/queue/find-recipients.ts'
import { at, openMailboxes, type TestMailboxes } from './open-mailboxes.ts'

const largeText = 'Subject: large\r\n\r\n'.padEnd(100_000, 'x')

const forget = (mailboxes: TestMailboxes, before = at + 1) =>
  mailboxes.storage.run(forgetExpunged, { before, limit: 100 })

async function markDeleted(mailboxes: TestMailboxes, uids: readonly number[]): Promise<void> {
  await mailboxes.storage.run(changeFlags, {
    ...(await mailboxes.open()),
    ranges: uids.map(uid => ({ first: uid, last: uid })),
    mode: 'add',
    flags: flags.deleted,
    keywords: [],
  })
}

test('only what has \\Deleted leaves, of the UIDs that are named or of all, and no more at a time than is asked for', async t => {
  const mailboxes = await openMailboxes(t)
  for (let id = 1; id <= 6; id++) await mailboxes.store(id)
  await mailboxes.file(...[1, 2, 3, 4, 5, 6].map(queueId => ({ queueId })))
  await markDeleted(mailboxes, [2, 3, 5, 6])
  const open = await mailboxes.open()
  const expunge = (ranges?: { first: number; last: number }[], limit = 10) =>
    mailboxes.storage.run(expungeMessages, { ...open, ranges, limit, now: at })
  assert.deepEqual(await expunge([{ first: 1, last: 3 }]), { uids: [2, 3], more: false })
  assert.deepEqual(await expunge(undefined, 1), { uids: [5], more: true })
  assert.deepEqual(await expunge(undefined, 1), { uids: [6], more: false })
  assert.deepEqual(await expunge(), { uids: [], more: false })
  assert.deepEqual(
    (await mailboxes.list(1)).map(({ uid }) => uid),
    [1, 4],
  )
})

test('what UID EXPUNGE names is looked at once, and not for each message with \\Deleted', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.store(1)
  const count = 400
  await mailboxes.file(...Array.from({ length: count }, () => ({ queueId: 1 })))
  const every = Array.from({ length: count }, (_, at) => at + 1)
  await markDeleted(mailboxes, every)
  let looks = 0
  const ranges = every
    .filter(uid => uid % 2 === 0)
    .map(uid => ({
      get first() {
        looks++
        return uid
      },
      last: uid,
    }))
  const open = await mailboxes.open()
  const outcome = await mailboxes.storage.run(expungeMessages, { ...open, ranges, limit: 1000, now: at })
  assert.equal(outcome?.uids.length, count / 2)
  assert.ok(looks < 20 * count, `${looks} looks at ${ranges.length} ranges`)
})

test('what has left comes back with a new UID, its flags and its date, once', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.store(1)
  await mailboxes.file({
    queueId: 1,
    traceFields: 'Delivered-To: anna@example.test\r\n',
    flags: flags.seen | flags.flagged,
    keywords: ['$Work'],
  })
  await mailboxes.expunge([1])
  const { storage } = mailboxes
  const [kept] = await storage.run(listExpunged, { accountId: 1, limit: 10 })
  assert.deepEqual([kept?.mailbox, kept?.uid, kept?.queueId, kept?.expungedAt], ['INBOX', 1, 1, at])
  const id = kept?.id ?? 0
  assert.equal(await storage.run(restoreExpunged, { accountId: 2, id, now: at }), undefined)
  assert.deepEqual(await storage.run(restoreExpunged, { accountId: 1, id, now: at + 5 }), {
    mailbox: 'INBOX',
    uid: 2,
  })
  const [message] = await mailboxes.list(1)
  assert.deepEqual(
    [
      message?.uid,
      message?.flags,
      message?.keywords,
      message?.receivedAt,
      message?.savedAt,
      message?.traceFields,
    ],
    [2, flags.seen | flags.flagged, ['$Work'], at, at + 5, 'Delivered-To: anna@example.test\r\n'],
  )
  assert.equal(await storage.run(restoreExpunged, { accountId: 1, id, now: at }), undefined)
})

test('a mailbox that is removed leaves its messages to be had back, into a mailbox of that name', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.store(1)
  await mailboxes.file({ queueId: 1, mailbox: 'Projects' })
  const { storage } = mailboxes
  assert.equal(await storage.run(removeMailbox, { accountId: 1, name: 'Projects', now: at }), 'removed')
  assert.deepEqual(await mailboxes.summaries(1), [])
  const [kept] = await storage.run(listExpunged, { accountId: 1, limit: 10 })
  await storage.run(restoreExpunged, { accountId: 1, id: kept?.id ?? 0, now: at })
  assert.deepEqual(await mailboxes.summaries(1), ['Projects 1 23'])
})

test('what left a mailbox, and those below it, is found by its name and time', async t => {
  const mailboxes = await openMailboxes(t)
  const names = ['Работа', 'Работа/Планы', 'Работаем', 'Работа'] as const
  for (const [index, mailbox] of names.entries()) {
    await mailboxes.store(index + 1)
    await mailboxes.file({ queueId: index + 1, mailbox })
    await mailboxes.storage.run(removeMailbox, { accountId: 1, name: mailbox, now: at + index })
  }
  const { storage } = mailboxes
  const find = async (wanted: Partial<ExpungedFrom> = {}) => {
    const all = { accountId: 1, mailbox: 'Работа', since: 0, until: at + 10, limit: 10 }
    const found = await storage.run(findExpungedFrom, { ...all, ...wanted })
    const listed = await storage.run(listExpunged, { accountId: 1, limit: 10 })
    return found.map(id => listed.find(message => message.id === id)?.queueId)
  }
  assert.deepEqual(await find(), [1, 2, 4])
  assert.deepEqual(await find({ since: at + 1 }), [2, 4])
  assert.deepEqual(await find({ until: at + 1 }), [1, 2])
  assert.deepEqual(await find({ limit: 1 }), [1])
  assert.deepEqual(await find({ mailbox: 'Работа/Планы' }), [2])
  assert.deepEqual(await find({ accountId: 2 }), [])
})

test('mail data stays while a mailbox, or the memory of one, refers to it, and goes with the last', async t => {
  const mailboxes = await openMailboxes(t)
  const file = await mailboxes.store(1, largeText)
  assert.ok(file)
  await mailboxes.file({ queueId: 1 }, { queueId: 1, accountId: 2 })
  await mailboxes.expunge([1])
  assert.deepEqual(await forget(mailboxes, at), { count: 0, orphanedFiles: [] }, 'too early')
  assert.deepEqual(await forget(mailboxes), { count: 1, orphanedFiles: [] })
  await mailboxes.expunge([1], await mailboxes.open(2))
  assert.equal(await mailboxes.read(1), largeText)
  const { orphanedFiles } = await forget(mailboxes)
  assert.deepEqual(orphanedFiles, [file])
  assert.deepEqual(await mailboxes.mailDataFiles(), [file], 'the operation itself removes no file')
  await mailboxes.mailData.discard(orphanedFiles)
  assert.deepEqual(await mailboxes.mailDataFiles(), [])
})

test('mail data stays while the queue still delivers it to others', async t => {
  const mailboxes = await openMailboxes(t)
  const writer = mailboxes.mailData.create()
  await writer.write(Buffer.from(largeText))
  const mailData = await writer.finish()
  const accepted = await mailboxes.storage.run(acceptMessage, {
    message: {
      id: 1,
      reversePath: null,
      size: mailData.size,
      body: '7BIT',
      smtpUtf8: false,
      disposition: 'mail',
      acceptedAt: at,
      expiresAt: at + 1000,
      language: 'en',
      isReport: false,
    },
    mailData,
    recipients: [{ forwardPath: { localPart: 'boris', domain: 'example.org' } }],
    held: false,
  })
  assert.equal(accepted, 'accepted')
  await mailboxes.file({ queueId: 1 })
  await mailboxes.expunge([1])
  assert.deepEqual(await forget(mailboxes), { count: 1, orphanedFiles: [] })
  assert.equal(await mailboxes.read(1), largeText)
  const recipientIds = await mailboxes.storage.run(findRecipients, { selection: {}, afterId: 0, limit: 10 })
  const { orphanedFiles } = await mailboxes.storage.run(cancelRecipients, { recipientIds, at })
  assert.equal(orphanedFiles.length, 1)
})
