// What an administrator does with mail that is kept aside.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import { formatQueueId } from '../../src/queue/queue-id.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { addAccount, addDomain, address } from '../directory/open-directory.ts'
import { makeServerFolder, runHere, succeed, succeedJson } from './run-postrider.ts'

const anna = 'anna@example.test'
const carl = 'carl@example.test'
const idOf = (index: number): string => formatQueueId(4096 + index)

/** One message for each of the two is kept aside. */
async function makeServer(t: TestContext): Promise<string> {
  const folder = makeServerFolder(remove => t.after(remove))
  const mailFolder = join(folder, 'mail-data')
  const storage = await openLocalStorage(mailFolder)
  await addDomain(storage, 'example.test')
  const mailData = createMailDataStore(openMailDataFiles(mailFolder, systemRandom), storage)
  const acceptedAt = Date.now()
  for (const [index, recipient] of [anna, carl].entries()) {
    await addAccount(storage, recipient)
    const writer = mailData.create()
    await writer.write(Buffer.from(`From: B <b@example.org>\r\nSubject: Offer ${index}\r\n\r\nBuy now\r\n`))
    const stored = await writer.finish()
    const outcome = await storage.run(acceptMessage, {
      message: {
        id: 4096 + index,
        reversePath: index === 0 ? address('b@example.org') : null,
        size: stored.size,
        body: '7BIT',
        smtpUtf8: false,
        disposition: 'mail',
        acceptedAt,
        expiresAt: acceptedAt + 3_600_000,
        language: 'en',
        isReport: false,
      },
      mailData: stored,
      recipients: [],
      aside: {
        recipients: [{ forwardPath: address(recipient) }],
        identity: { subject: `Offer ${index}` },
        author: 'b@example.org',
        endsAt: acceptedAt + 86_400_000,
        because: 'it has 9 points, and 8 are kept aside',
      },
      held: false,
    })
    assert.equal(outcome, 'accepted')
  }
  await storage.close()
  return folder
}

interface Listed {
  readonly queueId: string
  readonly recipients: readonly string[]
  readonly subject: string
}

async function ids(folder: string, ...filters: readonly string[]): Promise<string[]> {
  const listed = (await succeedJson(folder, 'quarantine', 'list', ...filters)) as readonly Listed[]
  return listed.map(({ queueId }) => queueId)
}

test('what is kept aside is listed, by filters, and shown', async t => {
  const folder = await makeServer(t)
  const table = await succeed(folder, 'quarantine', 'list')
  assert.match(table, /b@example\.org +anna@example\.test +Offer 0 +it has 9 points/)
  assert.deepEqual(await ids(folder), [idOf(0), idOf(1)])
  assert.deepEqual(await ids(folder, '--to', 'CARL@example.test'), [idOf(1)])
  assert.deepEqual(await ids(folder, '--from', 'b@example.org'), [idOf(0)])
  assert.deepEqual(await ids(folder, '--from', '<>'), [idOf(1)])
  assert.deepEqual(await ids(folder, '--older-than', '1h'), [])
  assert.deepEqual(await ids(folder, '--limit', '1'), [idOf(0)])
  const shown = await succeed(folder, 'quarantine', 'show', idOf(0))
  assert.match(shown, /^From: {6}b@example\.org, in the From field b@example\.org$/m)
  assert.match(shown, /^Because: {3}it has 9 points, and 8 are kept aside$/m)
  assert.match(shown, /Buy now/)
  assert.equal(
    await succeed(folder, 'quarantine', 'show', idOf(0), '--raw'),
    'From: B <b@example.org>\r\nSubject: Offer 0\r\n\r\nBuy now\r\n',
  )
  assert.match(await succeed(folder, 'trace', idOf(0)), /Now: anna@example\.test does not get it before/)
  assert.match(await succeed(folder, 'why', idOf(0)), /it is kept aside since/)
  assert.deepEqual(((await succeedJson(folder, 'queue', 'list')) as object[]).length, 0)
  const summary = await runHere(folder, ['queue', 'summary'])
  assert.match(summary.stderr, /2 messages are kept aside: "postrider quarantine list" shows what/)
})

test('a release puts it into the queue, and teaches the filter when asked', async t => {
  const folder = await makeServer(t)
  const released = await succeedJson(folder, 'quarantine', 'release', idOf(0), '--not-junk')
  assert.deepEqual(released, { released: 1, taught: true, noServer: true })
  assert.deepEqual(await ids(folder), [idOf(1)])
  assert.equal(((await succeedJson(folder, 'queue', 'list')) as object[]).length, 1)
  const learned = (await succeedJson(folder, 'spam', 'status', anna)) as { readonly ham: number }
  assert.equal(learned.ham, 1)
  const again = await runHere(folder, ['quarantine', 'release', idOf(0)])
  assert.equal(again.exitCode, 1)
  assert.match(again.stderr, /is not kept aside \(any more\)\. "postrider quarantine list" shows what is/)
})

test('what is deleted is gone, and nothing is deleted that was not named', async t => {
  const folder = await makeServer(t)
  const unnamed = await runHere(folder, ['quarantine', 'delete'])
  assert.equal(unnamed.exitCode, 2)
  assert.match(unnamed.stderr, /Say which: queue ids, --to/)
  assert.match(
    (await runHere(folder, ['quarantine', 'delete', '--older-than', '1h'])).stderr,
    /Nothing .* fits/,
  )
  assert.equal(
    await succeed(folder, 'quarantine', 'delete', '--to', anna),
    '1 message deleted; nobody was told.\n',
  )
  assert.deepEqual(await ids(folder), [idOf(1)])
  assert.match(await succeed(folder, 'why', idOf(0)), /an administrator deleted it/)
  assert.equal(
    await succeed(folder, 'quarantine', 'delete', '--all'),
    '1 message deleted; nobody was told.\n',
  )
  assert.match(await succeed(folder, 'verify'), /is in order/)
})

test('a row that cannot be read hides no other, and verify finds it', async t => {
  const folder = await makeServer(t)
  const damage = defineWrite('test.damage', async tx => {
    await tx.run("UPDATE quarantined SET content = '{}' WHERE id = ?", 4096)
  })
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  await storage.run(damage, undefined)
  await storage.close()
  const listed = await runHere(folder, ['quarantine', 'list'])
  assert.match(listed.stdout, /Offer 1/)
  assert.match(listed.stderr, /1 message damaged: "postrider verify" says what is wrong/)
  assert.match(
    (await runHere(folder, ['quarantine', 'show', idOf(0)])).stderr,
    /cannot be read\. "postrider verify"/,
  )
  assert.match((await runHere(folder, ['verify'])).stdout, /The row 4096 of quarantined cannot be read/)
})
