// Messages name commands as the person has to type them: with npx where npm found the program, and in a checkout.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { findProgramName, isChildOfNpm } from '../../src/cli/program-name.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { appendTrail } from '../../src/trail/operations.ts'
import { makeFolder, makeServerFolder, type Ran, runHere, succeed } from './run-postrider.ts'

for (const [how, startedAs, fromSource, environment, name] of [
  ['npx', '/checkout/bin/postrider.js', true, { npm_command: 'exec' }, 'npx postrider'],
  ['npx, installed', '/p/node_modules/.bin/postrider', false, { npm_command: 'exec' }, 'npx postrider'],
  ['npm start', '/checkout/bin/postrider.js', true, { npm_command: 'start' }, 'npx postrider'],
  ['node, in a checkout', '/checkout/bin/postrider.js', true, {}, 'npx postrider'],
  ['a shell that finds it', '/usr/local/bin/postrider', false, {}, 'postrider'],
  ['a shell that finds a link to a checkout', '/usr/local/bin/postrider', true, {}, 'postrider'],
  ['the command file of npm on Windows', '/npm/postrider/bin/postrider.js', false, {}, 'postrider'],
] as const) {
  test(`started by ${how}: ${name}`, () => {
    assert.equal(findProgramName({ startedAs, fromSource, environment }), name)
  })
}

for (const [what, environment, isChild] of [
  ['npm start', { npm_command: 'start', npm_lifecycle_script: 'node bin/postrider.js serve --try' }, true],
  [
    'npm run start',
    { npm_command: 'run', npm_lifecycle_event: 'start', npm_lifecycle_script: 'postrider serve --try' },
    true,
  ],
  ['npx postrider', { npm_command: 'exec', npm_lifecycle_script: "'postrider' serve" }, true],
  [
    'a script of another project',
    { npm_command: 'run', npm_lifecycle_event: 'mail', npm_lifecycle_script: 'postrider serve &' },
    false,
  ],
  ['a program that npx started', { npm_command: 'exec', npm_lifecycle_script: 'playwright test' }, false],
  ['no npm', {}, false],
] as const) {
  test(`the server ends with its parent: ${what}, ${isChild}`, () => {
    assert.equal(isChildOfNpm(environment), isChild)
  })
}

async function run(folder: string, ...parameters: readonly string[]): Promise<Ran> {
  return await runHere(folder, parameters, { programName: 'npx postrider' })
}

test('errors, hints, results and help name commands with npx', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  assert.match(
    (await run(folder, 'domain', 'list')).stderr,
    /begin with "npx postrider domain create example\.com" or "npx postrider serve"/,
  )
  assert.match(
    (await run(folder, 'check')).stdout,
    /Mend: {2}npx postrider domain create example\.com; then npx postrider account create/,
  )
  await succeed(folder, 'domain', 'create', 'example.org')
  // A message of another part.
  const [wrong, asJson] = [['account', 'create', 'anna@example.test'], ['--json']]
  const says =
    /"npx postrider domain list" shows them; "npx postrider domain create example\.test" makes it one/
  assert.match((await run(folder, ...wrong)).stderr, says)
  const { error } = JSON.parse((await run(folder, ...wrong, ...asJson)).stderr) as {
    error: { message: string }
  }
  assert.match(error.message, says)
  const help = (await run(folder, 'help', 'export')).stdout
  assert.match(help, /^Usage: npx postrider export \[options\] \[command\] \[file\]\n/)
  assert.match(help, /"npx\s+postrider apply" reads it back/)
  assert.match(help, /\n {2}npx postrider export directory\.toml\n/)
})

test('trace names them as they can be typed, also of what follows', async t => {
  const folder = makeServerFolder(remove => t.after(remove))
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  const event = {
    kind: 'account-held',
    recipient: 'b@example.org',
    account: 'a@example.org',
    because: 'so',
  } as const
  await storage.run(appendTrail, [{ at: Date.now(), queueId: 1, event }])
  await storage.close()
  const interrupted = (listener: () => void): (() => void) => {
    listener()
    return () => {}
  }
  for (const parameters of [['000000000001'.slice(1)], ['000000000001'.slice(1), '--follow']]) {
    const own = { programName: 'npx postrider', onInterrupt: interrupted } as const
    const { stdout } = await runHere(folder, ['trace', ...parameters], own)
    assert.match(stdout, /"npx postrider account release a@example\.org"/)
  }
})

test('what is no command stays as it is', async context => {
  const folder = makeFolder(remove => context.after(remove))
  const file = join(folder, 'postrider list.toml')
  writeFileSync(file, 'hostnam = 1\n')
  const { stderr } = await run(folder, 'queue', 'list', '--settings', file)
  assert.match(stderr, /\/postrider list\.toml:1:1/)
  assert.doesNotMatch(stderr, /npx/)
})

test('where the settings file has to be named, the commands in messages name it', async context => {
  const folder = makeFolder(remove => context.after(remove))
  const flags = ['--domain', 'a.example', '--hostname', 'm.a.example', '--account', 'anna@a.example']
  const made = await run(
    folder,
    'init',
    ...flags,
    '--settings',
    'its own/p.toml',
    '--data-folder',
    join(folder, 'd'),
  )
  assert.equal(made.exitCode, 0, made.stderr)
  const named = `npx postrider --settings '${join(folder, 'its own/p.toml')}'`
  for (const command of ['check', 'serve', 'account create <address>'])
    assert.ok(made.stdout.includes(`:  ${named} ${command}\n`), made.stdout)
  const again = await run(folder, 'init', ...flags, '--settings', 'its own/p.toml')
  assert.ok(again.stderr.includes(`run "${named} check"`), again.stderr)
  const hint = await run(folder, 'domain', 'remove', 'b.example', '--settings', 'its own/p.toml')
  assert.ok(hint.stderr.includes(`"${named} domain create b.example"`), hint.stderr)
  // At the default place they find it.
  const found = await run(
    folder,
    'init',
    ...flags,
    '--settings',
    'postrider.toml',
    '--data-folder',
    join(folder, 'e'),
  )
  assert.match(found.stdout, /:  npx postrider serve\n/)
})
