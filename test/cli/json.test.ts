// --json: the result on stdout, or one line with the error on stderr; for programs, so nothing else anywhere.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFolder, makeServerFolder, type Ran, runHere, succeed } from './run-postrider.ts'

/** What the one line on stderr says; stdout has to be empty. */
function errorOf({ stdout, stderr }: Ran): { code: string; message: string } {
  assert.equal(stdout, '')
  assert.match(stderr, /^[^\n]+\n$/, 'one line')
  const { error } = JSON.parse(stderr) as { error: { code: string; message: string } }
  assert.deepEqual(Object.keys(error), ['code', 'message'])
  return error
}

for (const [what, parameters, exitCode, code, message] of [
  ['no settings', ['account', 'list'], 1, 'CLI_NO_SETTINGS', /^There is no postrider\.toml/],
  [
    'settings with a mistake',
    ['queue', 'list', '--settings', 'broken.toml'],
    1,
    'SETTINGS_INVALID',
    /broken\.toml:1/,
  ],
  ['a message that is not there', ['queue', 'show', '00000000001'], 1, 'CLI_NO_SETTINGS', /postrider init/],
  ['no command', [], 2, 'CLI_USAGE', /^A command is missing/],
  ['no subcommand', ['queue'], 2, 'CLI_USAGE', /^A command is missing/],
  ['an unknown command', ['quue'], 2, 'CLI_USAGE', /^unknown command 'quue'.*queue/s],
  ['help of an unknown command', ['help', 'quue'], 2, 'CLI_USAGE', /^unknown command 'quue'/],
  ['an unknown option', ['queue', 'list', '--nonsense'], 2, 'CLI_USAGE', /^unknown option '--nonsense'/],
  ['a missing argument', ['domain', 'create'], 2, 'CLI_USAGE', /^missing required argument 'domain'/],
  [
    'a bad argument',
    ['queue', 'show', 'tooshort'],
    2,
    'CLI_USAGE',
    /^"tooshort" will not do for <queue-ids?>\. A queue id has 11/,
  ],
  [
    'an option without its value',
    ['queue', 'list', '--limit'],
    2,
    'CLI_USAGE',
    /^--limit needs a value: --limit </,
  ],
  ['too little said', ['queue', 'cancel'], 2, 'CLI_USAGE', /^Say which/],
] as const) {
  test(`an error for programs: ${what}`, async context => {
    const folder = makeFolder(remove => context.after(remove))
    writeFileSync(join(folder, 'broken.toml'), 'hostname = 5\n')
    const before = await runHere(folder, ['--json', ...parameters])
    const error = errorOf(before)
    assert.equal(error.code, code)
    assert.match(error.message, message)
    assert.equal(before.exitCode, exitCode)
    // For people the same exit code, and no JSON.
    const plain = await runHere(folder, parameters)
    assert.equal(plain.exitCode, exitCode)
    assert.doesNotMatch(plain.stderr, /\{"error"/)
  })
}

test('an empty list is an empty list, without a word beside it', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  await succeed(folder, 'domain', 'create', 'example.test')
  assert.deepEqual(await runHere(folder, ['account', 'list', '--json']), {
    exitCode: 0,
    stdout: '[]\n',
    stderr: '',
  })
})

test('check gives each mistake of the settings with its place', async context => {
  const folder = makeFolder(remove => context.after(remove))
  const file = join(folder, 'postrider.toml')
  writeFileSync(file, 'hostnme = "mail.example.test"\n[[listeners]]\nrole = "relay"\nport = "25"\n')
  const ran = await runHere(folder, ['check', '--json'])
  assert.equal(ran.exitCode, 1)
  const { findings, mistakes } = JSON.parse(ran.stdout) as {
    findings: { subject: string }[]
    mistakes: { file: string; line?: number; column?: number; path: string; message: string }[]
  }
  assert.deepEqual(
    findings.map(({ subject }) => subject),
    ['settings'],
  )
  assert.deepEqual(
    mistakes.map(({ message, ...place }) => ({ ...place, says: message.split('. ')[0] })),
    [
      { file, path: 'hostname', says: 'hostname is missing' },
      { file, line: 1, column: 1, path: 'hostnme', says: 'There is no setting "hostnme"' },
      {
        file,
        line: 4,
        column: 8,
        path: 'listeners[0].port',
        says: 'listeners[].port is the text "25"; it has to be a whole number from 0 to 65535',
      },
    ],
  )
})

test('export gives the tables of the text file as JSON', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  for (const parameters of [
    ['domain', 'create', 'example.test', '--postmaster', 'boris@elsewhere.test'],
    ['account', 'create', 'anna@example.test', '--name', 'Front desk', '--disabled'],
    ['alias', 'create', 'info@example.test', 'anna@example.test'],
    ['group', 'create', 'team@example.test', 'anna@example.test', '--name', 'The team'],
  ]) {
    const { exitCode, stderr } = await runHere(folder, parameters)
    assert.equal(exitCode, 0, stderr)
  }
  const { stdout } = await runHere(folder, ['export', '--json'])
  const { account, ...others } = JSON.parse(stdout) as { account: Record<string, unknown>[] }
  const [{ passwordHash, scramKeys, ...anna } = {}, ...more] = account
  assert.match(String(passwordHash), /^\$argon2id\$/)
  assert.match(String(scramKeys), /^SCRAM-SHA-256\$/)
  assert.deepEqual(
    [anna, more],
    [{ address: 'anna@example.test', name: 'Front desk', language: 'en', enabled: false }, []],
  )
  assert.deepEqual(others, {
    domain: [{ name: 'example.test', postmaster: 'boris@elsewhere.test' }],
    appPassword: [],
    alias: [{ address: 'info@example.test', targets: ['anna@example.test'] }],
    group: [{ address: 'team@example.test', name: 'The team', members: ['anna@example.test'] }],
    relay: [],
  })
  // Into a file goes what "apply" reads, also for programs.
  const written = await runHere(folder, ['export', 'directory.toml', '--json'])
  assert.deepEqual(JSON.parse(written.stdout), { written: 'directory.toml', domains: 1, accounts: 1 })
  assert.match(
    readFileSync(join(folder, 'directory.toml'), 'utf8'),
    /\n\[\[account\]\]\naddress = "anna@example\.test"/,
  )
})
