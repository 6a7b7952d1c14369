// A data folder or database without data: what only looks at it makes nothing, and does not call it in order.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startPostgres } from '../harness/postgres-server.ts'
import { makeServerFolder, runHere, succeed } from './run-postrider.ts'

const looking: readonly (readonly string[])[] = [
  ['domain', 'list'],
  ['account', 'list'],
  ['account', 'create', 'anna@example.test'],
  ['alias', 'list'],
  ['queue', 'list'],
  ['mail', 'list', 'anna@example.test'],
  ['trace', 'anna@example.test'],
  ['why', 'anna@example.test'],
  ['tls-reports'],
  ['alerts'],
  ['export'],
  ['apply', 'directory.toml', '--dry-run'],
  ['verify'],
  ['migrate', 'elsewhere'],
]

test('a data folder that is missing or empty is neither made nor in order', async t => {
  const folder = makeServerFolder(remove => t.after(remove))
  const dataFolder = join(folder, 'mail-data')
  writeFileSync(join(folder, 'directory.toml'), '[[domain]]\nname = "example.test"\n')
  for (const isMade of [false, true]) {
    if (isMade) mkdirSync(dataFolder)
    for (const parameters of looking) {
      const { exitCode, stdout, stderr } = await runHere(folder, parameters)
      assert.match(
        stderr,
        new RegExp(`^There is no Postrider data in ${dataFolder}.* look`, 'i'),
        parameters.join(' '),
      )
      assert.equal(stdout, '')
      assert.equal(exitCode, 1)
      assert.equal(existsSync(join(dataFolder, 'postrider.sqlite')), false)
    }
    assert.equal(existsSync(dataFolder), isMade)
  }
  await succeed(folder, 'apply', 'directory.toml', '--yes')
  assert.match(await succeed(folder, 'domain', 'list'), /example\.test/)
})

test('a database of others is left as it is', async t => {
  const database = await startPostgres({ settings: ['fsync = off'] })
  t.after(() => database.stop())
  const folder = makeServerFolder(remove => t.after(remove))
  const uri = await database.createDatabase('postrider')
  writeFileSync(
    join(folder, 'postrider.toml'),
    `hostname = "mail.example.test"\ndataFolder = "mail-data"\nstorage = "${uri}"\n`,
  )
  const nobody = /^There is no Postrider data in the database at .*\/postrider\. .* storage in the settings/
  for (const parameters of [['account', 'list'], ['cluster'], ['verify'], ['queue', 'list']])
    assert.match((await runHere(folder, parameters)).stderr, nobody)
  await succeed(folder, 'domain', 'create', 'example.test')
  assert.match(await succeed(folder, 'domain', 'list'), /example\.test/)
})
