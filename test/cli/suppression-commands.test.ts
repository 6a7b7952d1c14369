// The suppression list as an administrator keeps it.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { addDomain } from '../directory/open-directory.ts'
import { makeServerFolder, runHere, succeed, succeedJson } from './run-postrider.ts'

async function makeServer(t: TestContext): Promise<string> {
  const folder = makeServerFolder(remove => t.after(remove))
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  await addDomain(storage, 'example.test')
  await storage.close()
  return folder
}

interface Shown {
  readonly address: string
  readonly sender: string | null
  readonly reason: string
  readonly mail: string
  readonly until: string | null
  readonly detail: string
}

const list = async (folder: string): Promise<readonly Shown[]> =>
  (await succeedJson(folder, 'suppression', 'list')) as readonly Shown[]

test('an address is put on the list, shown, and taken off again', async t => {
  const folder = await makeServer(t)
  assert.equal(
    await succeed(
      folder,
      'suppression',
      'add',
      'Boris@example.org',
      '--reason',
      'unsubscribed',
      '--sender',
      'news@example.test',
    ),
    'No mass mail of news@example.test is sent to Boris@example.org any more.\n',
  )
  await succeed(folder, 'suppression', 'add', 'boris@example.org', '--mail', 'all', '--note', 'matter 12')
  assert.deepEqual(
    (await list(folder)).map(one => [one.address, one.sender, one.reason, one.mail, one.until, one.detail]),
    [
      ['boris@example.org', null, 'by-hand', 'all', null, 'matter 12'],
      [
        'Boris@example.org',
        'news@example.test',
        'unsubscribed',
        'bulk',
        null,
        'somebody there asked to get no more of it',
      ],
    ],
  )
  const shown = await succeed(folder, 'suppression', 'show', 'boris@example.org')
  assert.match(shown, /all mail is not sent, because an administrator put it on the list/)
  assert.match(shown, /mass mail of news@example\.test is not sent/)
  assert.equal(
    await succeed(folder, 'suppression', 'remove', 'boris@example.org', '--reason', 'by-hand'),
    'boris@example.org is off the list (1 entry).\n',
  )
  assert.equal((await list(folder)).length, 1)
  await succeed(folder, 'suppression', 'remove', 'boris@example.org')
  assert.equal(
    await succeed(folder, 'suppression', 'show', 'boris@example.org'),
    'boris@example.org is not on the list: mail is sent there.\n',
  )
  const again = await runHere(folder, ['suppression', 'remove', 'boris@example.org'])
  assert.notEqual(again.exitCode, 0)
  assert.match(
    again.stderr,
    /boris@example\.org is not on the list\. "postrider suppression list" shows who is/,
  )
})

test('what is exported is imported as it was; a list of plain addresses is too', async t => {
  const folder = await makeServer(t)
  await succeed(folder, 'suppression', 'add', 'a@example.org', '--days', '30')
  await succeed(
    folder,
    'suppression',
    'add',
    'b@example.org',
    '--reason',
    'complaint',
    '--sender',
    'n@example.test',
  )
  const before = await list(folder)
  const exported = await succeed(folder, 'suppression', 'export')
  writeFileSync(join(folder, 'list.jsonl'), exported)
  for (const one of ['a@example.org', 'b@example.org']) await succeed(folder, 'suppression', 'remove', one)
  assert.equal(await succeed(folder, 'suppression', 'import', 'list.jsonl'), '2 entries are on the list.\n')
  const times = ({ address, sender, reason, mail, until, detail }: Shown): unknown[] => [
    address,
    sender,
    reason,
    mail,
    until,
    detail,
  ]
  assert.deepEqual((await list(folder)).map(times), before.map(times))

  writeFileSync(join(folder, 'plain.txt'), 'c@example.org\r\n\r\nd@example.org\n')
  await succeed(folder, 'suppression', 'import', 'plain.txt', '--reason', 'unsubscribed')
  assert.equal((await list(folder)).length, 4)
})

test('a file with a mistake adds nobody, and its line is named', async t => {
  const folder = await makeServer(t)
  for (const wrong of [
    'no address',
    '{"address": 7}',
    '{"address": "b@example.org"',
    '{"address":"b@example.org","since":"x"}',
  ]) {
    writeFileSync(join(folder, 'wrong.txt'), `a@example.org\n${wrong}\n`)
    const { exitCode, stderr } = await runHere(folder, ['suppression', 'import', 'wrong.txt'])
    assert.notEqual(exitCode, 0)
    assert.match(stderr, /wrong\.txt:2: this is no address/, wrong)
  }
  assert.deepEqual(await list(folder), [])
  assert.match(readFileSync(join(folder, 'wrong.txt'), 'utf8'), /^a@/)
})
