// Filing: unique identifiers that ascend, mailboxes made when needed, mail data shared (RFC 9051 §2.3.1.1).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxMessage } from '../../src/mailbox/message-row.ts'
import {
  countMailboxMessages,
  findMailboxMessage,
  listMailboxMessages,
  type MailboxMessageName,
} from '../../src/mailbox/operations.ts'
import { defineRead } from '../../src/storage/operation.ts'
import { at, openMailboxes, type TestMailboxes } from './open-mailboxes.ts'

const findUidValidity = defineRead('test.find-uid-validity', async tx => {
  const row = await tx.get<{ uid_validity: number }>("SELECT uid_validity FROM mailbox WHERE name = 'INBOX'")
  return row?.uid_validity
})

async function uids(mailboxes: TestMailboxes, accountId: number, mailbox?: string): Promise<number[]> {
  return (await mailboxes.list(accountId, mailbox)).map(message => message.uid)
}

test('the first message makes the mailbox', async t => {
  const mailboxes = await openMailboxes(t)
  assert.deepEqual(await mailboxes.summaries(1), [])
  await mailboxes.store(1)
  await mailboxes.file({ queueId: 1, receivedAt: at + 999 })
  assert.deepEqual(await mailboxes.summaries(1), ['INBOX 1 23'])
  assert.equal(await mailboxes.storage.run(findUidValidity, undefined), at / 1000)
})

test('unique identifiers ascend, and one that was deleted does not come again', async t => {
  const mailboxes = await openMailboxes(t)
  for (const id of [1, 2, 3]) await mailboxes.store(id)
  await mailboxes.file({ queueId: 1 }, { queueId: 2 })
  await mailboxes.file({ queueId: 3 })
  assert.deepEqual(await uids(mailboxes, 1), [1, 2, 3])
  await mailboxes.expunge([2, 3])
  await mailboxes.store(4)
  await mailboxes.file({ queueId: 4 })
  assert.deepEqual(await uids(mailboxes, 1), [1, 4])
})

test('a mailbox that is empty again keeps its identity', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.store(1)
  await mailboxes.file({ queueId: 1 })
  await mailboxes.expunge([1])
  assert.deepEqual(await mailboxes.summaries(1), ['INBOX 0 0'])
  await mailboxes.store(2)
  await mailboxes.file({ queueId: 2, receivedAt: at + 60_000 })
  assert.equal(await mailboxes.storage.run(findUidValidity, undefined), at / 1000)
  assert.deepEqual(await uids(mailboxes, 1), [2])
})

test('every mailbox counts for itself', async t => {
  const mailboxes = await openMailboxes(t)
  for (const id of [1, 2]) await mailboxes.store(id)
  await mailboxes.file(
    { queueId: 1 },
    { queueId: 1, mailbox: 'Junk' },
    { queueId: 2 },
    { queueId: 2, accountId: 2 },
  )
  assert.deepEqual(await uids(mailboxes, 1), [1, 2])
  assert.deepEqual(await uids(mailboxes, 1, 'Junk'), [1])
  assert.deepEqual(await uids(mailboxes, 2), [1])
  assert.deepEqual(await mailboxes.summaries(1), ['INBOX 2 46', 'Junk 1 23'])
})

test('mailboxes of two accounts share the mail data, each with its own trace fields', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.store(1, 'Subject: shared\r\n')
  const anna = 'Delivered-To: anna@example.test\r\n'
  const boris = 'Delivered-To: почта@example.test\r\n'
  await mailboxes.file(
    { queueId: 1, accountId: 1, traceFields: anna },
    { queueId: 1, accountId: 2, traceFields: boris },
  )
  const [[first], [second]] = [await mailboxes.list(1), await mailboxes.list(2)]
  assert.deepEqual(
    [first?.mailDataId, first?.traceFields, first?.size],
    [1, anna, Buffer.byteLength(`${anna}Subject: shared\r\n`)],
  )
  assert.deepEqual(
    [second?.mailDataId, second?.traceFields, second?.size],
    [1, boris, Buffer.byteLength(`${boris}Subject: shared\r\n`)],
  )
})

test('without mail data nothing is filed, and no mailbox is made', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.store(1)
  await assert.rejects(mailboxes.file({ queueId: 1 }, { queueId: 9 }), {
    code: 'STORAGE_DAMAGED',
    message: 'There is no mail data 9.',
  })
  assert.deepEqual(await mailboxes.summaries(1), [])
})

test('messages are listed page by page, newest first, and the others counted', async t => {
  const mailboxes = await openMailboxes(t)
  for (let id = 1; id <= 5; id++) await mailboxes.store(id)
  await mailboxes.file(...[3, 1, 2, 5, 4].map(queueId => ({ queueId, receivedAt: at + queueId })))
  const page = async (beforeUid?: number): Promise<number[][]> =>
    (
      await mailboxes.storage.run(listMailboxMessages, {
        accountId: 1,
        mailbox: 'INBOX',
        beforeUid,
        limit: 2,
      })
    ).map(message => [message.uid, message.queueId, message.receivedAt - at])
  const countBefore = async (beforeUid?: number): Promise<number> =>
    await mailboxes.storage.run(countMailboxMessages, { accountId: 1, mailbox: 'INBOX', beforeUid })
  assert.deepEqual(await page(), [
    [5, 4, 4],
    [4, 5, 5],
  ])
  assert.deepEqual(await page(4), [
    [3, 2, 2],
    [2, 1, 1],
  ])
  assert.deepEqual(await page(2), [[1, 3, 3]])
  assert.deepEqual(await page(1), [])
  assert.deepEqual([await countBefore(), await countBefore(4), await countBefore(1)], [5, 3, 0])
})

test('a message is found by account, mailbox and UID, all three', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.store(1)
  await mailboxes.file({ queueId: 1 })
  const find = async (other: Partial<MailboxMessageName>): Promise<MailboxMessage | undefined> =>
    await mailboxes.storage.run(findMailboxMessage, { accountId: 1, mailbox: 'INBOX', uid: 1, ...other })
  assert.equal((await find({}))?.queueId, 1)
  for (const other of [{ accountId: 2 }, { mailbox: 'Junk' }, { uid: 2 }])
    assert.equal(await find(other), undefined)
})
