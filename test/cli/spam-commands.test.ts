// What people teach the filter, by moving a message and from files.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileMessage } from '../../src/mailbox/file-message.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { insertMailData } from '../../src/storage/mail-data-rows.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { addAccount, addDomain } from '../directory/open-directory.ts'
import { makeServerFolder, runHere, succeed, succeedJson } from './run-postrider.ts'

const anna = 'anna@example.test'

/** An account with one message in its INBOX. */
async function makeMailbox(t: TestContext): Promise<string> {
  const folder = makeServerFolder(remove => t.after(remove))
  const mailFolder = join(folder, 'mail-data')
  const storage = await openLocalStorage(mailFolder)
  await addDomain(storage, 'example.test')
  const accountId = await addAccount(storage, anna)
  const writer = createMailDataStore(openMailDataFiles(mailFolder, systemRandom), storage).create()
  await writer.write(Buffer.from('From: x@elsewhere.test\r\nSubject: Cheap pills\r\n\r\nBuy now\r\n'))
  const mailData = await writer.finish()
  const queueId = 4096
  const file = defineWrite('test.file', async tx => {
    await insertMailData(tx, queueId, mailData)
    await fileMessage(tx, {
      accountId,
      mailbox: 'INBOX',
      traceFields: 'Return-Path: <x@elsewhere.test>\r\n',
      queueId,
      receivedAt: Date.UTC(2026, 0, 1),
    })
  })
  await storage.run(file, undefined)
  await storage.close()
  return folder
}

test('a message goes to Junk and back, and the filter learns from both', async t => {
  const folder = await makeMailbox(t)
  assert.equal(
    await succeed(folder, 'mail', 'junk', anna, '1'),
    'The message is in Junk now, as 1. The filter has learned that it is spam.\n',
  )
  assert.match(await succeed(folder, 'mail', 'list', anna, '--mailbox', 'Junk'), /Cheap pills/)
  assert.deepEqual(await succeedJson(folder, 'spam', 'status', anna), {
    account: anna,
    spam: 1,
    ham: 0,
    leastOfEach: 20,
  })
  assert.deepEqual(await succeedJson(folder, 'mail', 'not-junk', anna, '1'), {
    mailbox: 'INBOX',
    // RFC 9051: the number that it had is not given again.
    uid: 2,
    learned: true,
  })
  assert.match(await succeed(folder, 'mail', 'read', anna, '2'), /Buy now/)
  assert.match(
    await succeed(folder, 'spam', 'status'),
    /^All accounts together: 0 messages of spam, 1 message of wanted mail\. The filter says nothing before it has learned 20 of each/,
  )
})

test('a message that is not there', async t => {
  const folder = await makeMailbox(t)
  const { exitCode, stderr } = await runHere(folder, ['mail', 'not-junk', anna, '1'])
  assert.equal(exitCode, 1)
  assert.match(
    stderr,
    /has no message 1 in Junk\. "postrider mail list anna@example\.test --mailbox Junk" shows/,
  )
})

test('messages in files and folders are learned once', async t => {
  const folder = await makeMailbox(t)
  const spam = join(folder, 'spam', 'old')
  mkdirSync(spam, { recursive: true })
  for (let n = 0; n < 3; n++)
    writeFileSync(join(spam, `${n}.eml`), `Subject: pills ${'x'.repeat(n)}\n\nCheap\n`)
  assert.equal(
    await succeed(folder, 'spam', 'learn', '--as', 'spam', 'spam'),
    'The filter has learned from 3 messages.\n',
  )
  assert.equal(
    await succeed(folder, 'spam', 'learn', '--as', 'spam', 'spam/old/1.eml'),
    'The filter has learned from 0 messages; 1 of them it knew.\n',
  )
  assert.deepEqual(await succeedJson(folder, 'spam', 'status'), {
    account: null,
    spam: 3,
    ham: 0,
    leastOfEach: 20,
  })
  assert.equal(
    await succeed(folder, 'spam', 'learn', '--as', 'ham', 'spam/old/1.eml', '--account', anna),
    'The filter has learned from 1 message.\n',
  )
  const { exitCode, stderr } = await runHere(folder, ['spam', 'learn', '--as', 'spam', 'nowhere'])
  assert.equal(exitCode, 1)
  assert.match(stderr, /nowhere cannot be read/)
})
