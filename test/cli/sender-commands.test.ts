// The lists of wanted and unwanted senders as an administrator keeps them.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { addAccount, addDomain } from '../directory/open-directory.ts'
import { makeServerFolder, runHere, succeed, succeedJson } from './run-postrider.ts'

const anna = 'anna@example.test'

async function makeServer(t: TestContext): Promise<string> {
  const folder = makeServerFolder(remove => t.after(remove))
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  await addDomain(storage, 'example.test')
  await addAccount(storage, anna)
  await storage.close()
  return folder
}

interface Shown {
  readonly sender: string
  readonly verdict: string
  readonly account: string | null
  readonly note: string
}

async function list(folder: string, ...options: readonly string[]): Promise<readonly (string | null)[][]> {
  const shown = (await succeedJson(folder, 'sender', 'list', ...options)) as readonly Shown[]
  return shown.map(({ sender, verdict, account, note }) => [sender, verdict, account, note])
}

test('senders are put on a list, for an account or for everybody, changed and taken off', async t => {
  const folder = await makeServer(t)
  assert.equal(
    await succeed(folder, 'sender', 'block', 'Boris@example.org', '--account', anna),
    'Mail from Boris@example.org is refused for anna@example.test.\n',
  )
  await succeed(folder, 'sender', 'allow', '@Пример.рф', '--note', 'partners')
  assert.deepEqual(await list(folder), [
    ['xn--e1afmkfd.xn--p1ai', 'allow', null, 'partners'],
    ['Boris@example.org', 'block', anna, ''],
  ])
  assert.deepEqual(await list(folder, '--account', anna), [['Boris@example.org', 'block', anna, '']])
  assert.deepEqual(await list(folder, '--everybody'), [['xn--e1afmkfd.xn--p1ai', 'allow', null, 'partners']])
  // One entry for a sender, whatever the case of its letters.
  assert.equal(
    await succeed(folder, 'sender', 'allow', 'boris@example.org', '--account', anna),
    'Mail from boris@example.org is always taken for anna@example.test. Before, the list said block.\n',
  )
  assert.equal(
    await succeed(folder, 'sender', 'remove', 'BORIS@example.org', '--account', anna),
    'BORIS@example.org is off the list for anna@example.test.\n',
  )
  assert.deepEqual(await list(folder, '--account', anna), [])
})

test('what is no sender, no account, or not on the list is told', async t => {
  const folder = await makeServer(t)
  const bad = await runHere(folder, ['sender', 'block', 'bo ris@@example.org'])
  assert.equal(bad.exitCode, 2)
  assert.match(bad.stderr, /It has to be a mail address/)
  const star = await runHere(folder, ['sender', 'allow', '*@evil.test'])
  assert.equal(star.exitCode, 2)
  assert.match(star.stderr, /Nobody's address is \*@evil\.test\. Write evil\.test alone/)
  const bare = await runHere(folder, ['sender', 'allow', 'foo'])
  assert.equal(bare.exitCode, 2)
  assert.match(bare.stderr, /foo has no dot.* Write the whole domain, example\.org/)
  // Whoever wants no mail from a whole top-level domain says so.
  await succeed(folder, 'sender', 'block', 'zip')
  writeFileSync(join(folder, 'star.txt'), '*@evil.test\n')
  const imported = await runHere(folder, ['sender', 'import', 'star.txt'])
  assert.match(imported.stderr, /star\.txt:1: Nobody's address .* Nothing was changed\./)
  const nobody = await runHere(folder, ['sender', 'block', 'example.org', '--account', 'nobody@example.test'])
  assert.equal(nobody.exitCode, 1)
  assert.match(nobody.stderr, /There is no account nobody@example\.test/)
  const missing = await runHere(folder, ['sender', 'remove', 'example.org'])
  assert.match(
    missing.stderr,
    /example\.org is not on the list for everybody\. "postrider sender list" shows who is\./,
  )
})

test('lists go into a file and come out of it the same; a line that is wrong changes nothing', async t => {
  const folder = await makeServer(t)
  await succeed(folder, 'sender', 'allow', 'partner.test', '--note', 'sales')
  await succeed(folder, 'sender', 'block', 'boris@example.org', '--account', anna)
  const exported = await succeed(folder, 'sender', 'export')
  const before = await list(folder)
  await succeed(folder, 'sender', 'remove', 'partner.test')
  await succeed(folder, 'sender', 'remove', 'boris@example.org', '--account', anna)
  writeFileSync(join(folder, 'lists.jsonl'), exported)
  assert.equal(await succeed(folder, 'sender', 'import', 'lists.jsonl'), '2 senders are on a list.\n')
  assert.deepEqual(await list(folder), before)

  writeFileSync(join(folder, 'plain.txt'), 'one.test\n\nx@two.test\r\n')
  await succeed(folder, 'sender', 'import', 'plain.txt', '--account', anna)
  assert.equal((await list(folder, '--account', anna)).length, 3)
  writeFileSync(join(folder, 'bad.txt'), 'three.test\nno such thing\n')
  const bad = await runHere(folder, ['sender', 'import', 'bad.txt'])
  assert.equal(bad.exitCode, 1)
  assert.match(bad.stderr, /bad\.txt:2: this is neither an address nor a domain/)
  assert.deepEqual(await list(folder, '--everybody'), [['partner.test', 'allow', null, 'sales']])
})
