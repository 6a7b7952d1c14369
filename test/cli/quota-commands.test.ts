// How much an account may have, and how long its trash is kept, as an administrator shows and changes it.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { makeServerFolder, runHere, succeed, succeedJson } from './run-postrider.ts'

const anna = 'anna@example.test'

test('a quota is of the account, its domain or the settings, and each is said by a command', async t => {
  const folder = makeServerFolder(remove => t.after(remove))
  await succeed(folder, 'domain', 'create', 'example.test')
  await succeed(folder, 'account', 'create', anna)
  const quota = async (...options: string[]): Promise<string> =>
    await succeed(folder, 'account', 'quota', anna, ...options)
  assert.equal(await quota(), 'anna@example.test has 0 B in 0 messages.\n')
  assert.equal(
    await succeed(folder, 'domain', 'quota', 'example.test', '--size', '2GB', '--messages', '1000'),
    'An account of example.test may have 2 GB and 1000 messages, where nothing else is said of it.\n',
  )
  assert.equal(await quota(), 'anna@example.test has 0 B of 2.0 GB in 0 of 1000 messages.\n')
  assert.equal(
    await quota('--size', '500 mb', '--messages', 'none'),
    'anna@example.test has 0 B of 500 MB in 0 messages.\n',
  )
  assert.deepEqual(await succeedJson(folder, 'account', 'quota', anna), {
    account: anna,
    used: { bytes: 0, messages: 0 },
    limit: { bytes: 500 * 1024 ** 2, messages: 0 },
    own: { bytes: 500 * 1024 ** 2, messages: 0 },
  })
  assert.match(await succeed(folder, 'account', 'list'), / USED .*\nanna@example\.test .* 0 B of 500 MB /)
  assert.match(await quota('--size', 'usual'), /of 2\.0 GB in/)
  assert.equal(
    await succeed(folder, 'domain', 'quota', 'example.test', '--size', 'usual', '--messages', 'usual'),
    'An account of example.test may have as much mail as there is room for.\n',
  )
  const wrong = await runHere(folder, ['account', 'quota', anna, '--size', 'much'])
  assert.equal(wrong.exitCode, 2)
  assert.match(wrong.stderr, /It has to be a size \(500MB, 5GB, 1TB\), "none" for no limit, or "usual"/)
  const nobody = await runHere(folder, ['account', 'quota', 'nobody@example.test'])
  assert.match(nobody.stderr, /There is no account nobody@example\.test/)
  const nowhere = await runHere(folder, ['domain', 'quota', 'elsewhere.test', '--size', '1GB'])
  assert.equal(nowhere.exitCode, 1)
})

test('how long Trash and Junk are kept is said of one account, or is as usual', async t => {
  const folder = makeServerFolder(remove => t.after(remove))
  await succeed(folder, 'domain', 'create', 'example.test')
  await succeed(folder, 'account', 'create', anna)
  const retention = async (...options: string[]): Promise<string> =>
    await succeed(folder, 'account', 'retention', anna, ...options)
  const stays = 'What anna@example.test has in Trash stays there'
  assert.equal(await retention(), `${stays} for 30 days, and what is in Junk for 30 days.\n`)
  assert.equal(
    await retention('--trash', 'never', '--junk', '7'),
    `${stays} until somebody deletes it, and what is in Junk for 7 days.\n`,
  )
  assert.equal(await retention('--trash', 'usual'), `${stays} for 30 days, and what is in Junk for 7 days.\n`)
  const wrong = await runHere(folder, ['account', 'retention', anna, '--trash', '99999'])
  assert.match(wrong.stderr, /a number of days up to 3650/)
})

test('why and probe say that the mailboxes of an account are full', async t => {
  const folder = makeServerFolder(remove => t.after(remove))
  await succeed(folder, 'domain', 'create', 'example.test')
  await succeed(folder, 'account', 'create', anna)
  const database = new DatabaseSync(join(folder, 'mail-data', 'postrider.sqlite'))
  database.exec('UPDATE account SET used_bytes = 2000000000, used_messages = 4')
  database.close()
  const before = await runHere(folder, ['why', anna])
  assert.doesNotMatch(before.stderr, /full/)
  await succeed(folder, 'account', 'quota', anna, '--size', '1GB')
  const after = await runHere(folder, ['why', anna])
  assert.match(
    after.stderr,
    /The mailboxes of anna@example\.test are full: 1\.9 GB of 1\.0 GB\. Its mail is put off until there is room; "postrider account quota anna@example\.test" gives it more\./,
  )
  await succeed(folder, 'group', 'create', 'team@example.test', anna)
  for (const address of [anna, 'team@example.test']) {
    const probed = await runHere(folder, ['probe', address, '--json'])
    assert.equal(probed.exitCode, 1, address)
    assert.partialDeepStrictEqual(JSON.parse(probed.stdout), {
      accepted: true,
      obstacles: [{ kind: 'full', account: anna, room: 'full', limit: { bytes: 1024 ** 3 } }],
    })
  }
  assert.match(
    (await runHere(folder, ['probe', anna])).stdout,
    /^At this server: The mailboxes of anna@example\.test are full: 1\.9 GB of 1\.0 GB\. Its mail is put off until/m,
  )
  // The postmaster, who is always taken.
  assert.equal((await runHere(folder, ['probe', 'postmaster@example.test'])).exitCode, 0)
})
