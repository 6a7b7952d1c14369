// Scripts of accounts as an administrator keeps them.
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
  writeFileSync(join(folder, 'one.sieve'), 'discard;\n')
  writeFileSync(join(folder, 'two.sieve'), 'keep;\n')
  writeFileSync(join(folder, 'wrong.sieve'), 'keep\nif true { fileinto "x"; }\n')
  return folder
}

async function list(folder: string, whose = anna): Promise<readonly (string | boolean)[][]> {
  const shown = (await succeedJson(folder, 'sieve', 'list', whose)) as readonly {
    readonly name: string
    readonly isActive: boolean
  }[]
  return shown.map(({ name, isActive }) => [name, isActive])
}

test('scripts are put, shown, activated, renamed and removed', async t => {
  const folder = await makeServer(t)
  assert.equal(
    await succeed(folder, 'sieve', 'put', anna, 'main', 'one.sieve', '--activate'),
    'The script "main" of anna@example.test is kept, and is the active one.\n',
  )
  await succeed(folder, 'sieve', 'put', anna, 'other', 'two.sieve')
  assert.deepEqual(await list(folder), [
    ['main', true],
    ['other', false],
  ])
  assert.equal(await succeed(folder, 'sieve', 'show', anna), 'discard;\n')
  // In its place, and still the active one.
  await succeed(folder, 'sieve', 'put', anna, 'main', 'two.sieve')
  assert.equal(await succeed(folder, 'sieve', 'show', anna), 'keep;\n')
  const refused = await runHere(folder, ['sieve', 'remove', anna, 'main'])
  assert.equal(refused.exitCode, 1)
  assert.match(
    refused.stderr,
    /The script "main" sorts the mail of anna@example\.test\. Activate another one before/,
  )
  await succeed(folder, 'sieve', 'rename', anna, 'main', 'weekdays')
  assert.deepEqual(await list(folder), [
    ['other', false],
    ['weekdays', true],
  ])
  await succeed(folder, 'sieve', 'activate', anna, 'other')
  await succeed(folder, 'sieve', 'delete', anna, 'weekdays')
  assert.deepEqual(await list(folder), [['other', true]])
  await succeed(folder, 'sieve', 'deactivate', anna)
  assert.deepEqual(await list(folder), [['other', false]])
  const none = await runHere(folder, ['sieve', 'show', anna])
  assert.match(none.stderr, /No script of anna@example\.test is active/)
})

test('global scripts are the administrator’s', async t => {
  const folder = await makeServer(t)
  await succeed(folder, 'sieve', 'put', 'global', 'rules', 'two.sieve')
  assert.deepEqual(await list(folder, 'global'), [['rules', false]])
  assert.equal(await succeed(folder, 'sieve', 'show', 'global', 'rules'), 'keep;\n')
  const refused = await runHere(folder, ['sieve', 'put', 'global', 'rules', 'two.sieve', '--activate'])
  assert.match(refused.stderr, /include :global/)
})

test('mistakes are told with file, line and column, and nothing is kept', async t => {
  const folder = await makeServer(t)
  for (const args of [
    ['sieve', 'check', 'wrong.sieve'],
    ['sieve', 'put', anna, 'main', 'wrong.sieve'],
  ]) {
    const { exitCode, stderr } = await runHere(folder, args)
    assert.equal(exitCode, 1)
    assert.match(stderr, /^(?:error: )?\d+ mistakes? in the script:\nwrong\.sieve:1:1: /im)
  }
  assert.deepEqual(await list(folder), [])
  assert.equal(await succeed(folder, 'sieve', 'check', 'one.sieve'), 'one.sieve is right.\n')
})

test('what is no account, no script and no name is told', async t => {
  const folder = await makeServer(t)
  const cases: readonly (readonly [args: readonly string[], error: RegExp])[] = [
    [['sieve', 'list', 'nobody@example.test'], /There is no account nobody@example\.test/],
    [['sieve', 'activate', anna, 'none'], /There is no script "none" of anna@example\.test/],
    [['sieve', 'put', anna, 'a/b', 'one.sieve'], /without \/ and control characters/],
    [['sieve', 'check', 'nowhere.sieve'], /nowhere\.sieve cannot be read/],
  ]
  for (const [args, error] of cases) {
    const { exitCode, stderr } = await runHere(folder, [...args])
    assert.notEqual(exitCode, 0)
    assert.match(stderr, error)
  }
})
