// A message goes; its mail data goes with the last that refers to it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deleteMailboxMessage } from '../../src/mailbox/operations.ts'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import { cancelRecipients } from '../../src/queue/administer.ts'
import { findRecipients } from '../../src/queue/find-recipients.ts'
import { at, openMailboxes, type TestMailboxes } from './open-mailboxes.ts'

const largeText = 'Subject: large\r\n\r\n'.padEnd(100_000, 'x')

async function remove(mailboxes: TestMailboxes, accountId: number, uid: number, mailbox = 'INBOX') {
  return await mailboxes.storage.run(deleteMailboxMessage, { accountId, mailbox, uid })
}

test('mail data stays while another mailbox refers to it, and goes with the last', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.store(1)
  await mailboxes.file({ queueId: 1 }, { queueId: 1, accountId: 2 })
  assert.deepEqual(await remove(mailboxes, 1, 1), { deleted: true, orphanedFiles: [] })
  assert.deepEqual(await mailboxes.list(1), [])
  assert.equal((await mailboxes.list(2)).length, 1)
  assert.match(await mailboxes.read(1), /Text/)
  assert.deepEqual(await remove(mailboxes, 2, 1), { deleted: true, orphanedFiles: [] })
  await assert.rejects(mailboxes.read(1), { code: 'STORAGE_DAMAGED' })
})

test('the file of the last one is given back to be discarded', async t => {
  const mailboxes = await openMailboxes(t)
  const file = await mailboxes.store(1, largeText)
  assert.ok(file)
  await mailboxes.file({ queueId: 1 }, { queueId: 1, mailbox: 'Junk' })
  assert.deepEqual((await remove(mailboxes, 1, 1)).orphanedFiles, [])
  assert.equal(await mailboxes.read(1), largeText)
  const { orphanedFiles } = await remove(mailboxes, 1, 1, 'Junk')
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
  assert.deepEqual(await remove(mailboxes, 1, 1), { deleted: true, orphanedFiles: [] })
  assert.equal(await mailboxes.read(1), largeText)
  const recipientIds = await mailboxes.storage.run(findRecipients, { selection: {}, afterId: 0, limit: 10 })
  const { orphanedFiles } = await mailboxes.storage.run(cancelRecipients, { recipientIds, at })
  assert.equal(orphanedFiles.length, 1)
})

test('what is not there is not deleted, and nothing else is', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.store(1)
  await mailboxes.file({ queueId: 1 })
  for (const [accountId, uid, mailbox] of [
    [2, 1, 'INBOX'],
    [1, 2, 'INBOX'],
    [1, 1, 'Junk'],
  ] as const) {
    assert.deepEqual(await remove(mailboxes, accountId, uid, mailbox), { deleted: false, orphanedFiles: [] })
  }
  assert.equal((await mailboxes.list(1)).length, 1)
  assert.equal((await remove(mailboxes, 1, 1)).deleted, true)
  assert.equal((await remove(mailboxes, 1, 1)).deleted, false)
})
