// Who else may use a mailbox, as an administrator says it.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createMailbox } from '../../src/mailbox/name-operations.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { addAccount, addDomain, addGroup, at } from '../directory/open-directory.ts'
import { makeServerFolder, runHere, succeed, succeedJson } from './run-postrider.ts'

async function makeServer(t: TestContext): Promise<string> {
  const folder = makeServerFolder(remove => t.after(remove))
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  await addDomain(storage, 'example.test')
  const anna = await addAccount(storage, 'anna@example.test')
  await addAccount(storage, 'boris@example.test')
  await addGroup(storage, 'sales@example.test', 'boris@example.test')
  await storage.run(createMailbox, { accountId: anna, name: 'Work/Plans', now: at })
  await storage.close()
  return folder
}

test('a mailbox is shared, with those below it, and shared no more', async t => {
  const folder = await makeServer(t)
  const shares = async () => await succeedJson(folder, 'mailbox', 'shares', 'anna@example.test')
  assert.equal(
    await succeed(folder, 'mailbox', 'share', 'anna@example.test', 'boris@example.test'),
    'boris@example.test may use INBOX of anna@example.test: read.\n',
  )
  assert.equal(
    await succeed(
      folder,
      'mailbox',
      'share',
      'anna@example.test',
      'sales',
      'write',
      '--mailbox',
      'Work',
      '--below',
    ),
    'sales@example.test may use Work, Work/Plans of anna@example.test: write.\n',
  )
  assert.equal(
    await succeed(folder, 'mailbox', 'share', 'anna@example.test', 'anyone', 'rw'),
    'anyone may use INBOX of anna@example.test: rw. Without l no program lists it.\n',
  )
  await succeed(folder, 'mailbox', 'share', 'anna@example.test', 'anyone', 'lr')
  assert.deepEqual(await shares(), [
    { mailbox: 'INBOX', holder: 'anyone', rights: 'lr' },
    { mailbox: 'INBOX', holder: 'boris@example.test', rights: 'lrs' },
    { mailbox: 'Work', holder: 'sales@example.test', rights: 'lrswikxte' },
    { mailbox: 'Work/Plans', holder: 'sales@example.test', rights: 'lrswikxte' },
  ])
  assert.match(
    await succeed(folder, 'mailbox', 'shares', 'anna@example.test'),
    /^MAILBOX +HOLDER +RIGHTS\nINBOX +anyone +lr\nINBOX +boris@example\.test +read\n/,
  )
  await succeed(folder, 'mailbox', 'unshare', 'anna@example.test', 'sales', '--mailbox', 'Work', '--below')
  await succeed(folder, 'mailbox', 'unshare', 'anna@example.test', 'boris@example.test')
  await succeed(folder, 'mailbox', 'unshare', 'anna@example.test', 'anyone', '--mailbox', 'inbox')
  assert.deepEqual(await shares(), [])
})

test('what cannot be shared, or not so, is refused with the reason', async t => {
  const folder = await makeServer(t)
  for (const [line, reason] of [
    ['share anna@example.test nobody', /There is no account and no group nobody@example\.test/],
    [
      'share anna@example.test boris@example.test --mailbox Nowhere',
      /There is no mailbox Nowhere\. There are: INBOX, /,
    ],
    ['share anna@example.test anna@example.test', /who may do everything with it/],
    ['share anna@example.test boris@example.test lrq', /It has to be read, write or all, or letters of/],
    ['shares dora@example.test', /There is no account dora@example\.test/],
  ] as const) {
    const { exitCode, stderr } = await runHere(folder, ['mailbox', ...line.split(' ')])
    assert.notEqual(exitCode, 0, line)
    assert.match(stderr, reason)
  }
})
