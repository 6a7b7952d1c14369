import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { makeFolder, makeServerFolder, runHere, runPostrider, succeed, succeedJson } from './run-postrider.ts'

test('domains, accounts, aliases and groups, by command line', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  const run = (...parameters: string[]): Promise<string> => succeed(folder, ...parameters)
  assert.equal(
    await run('domain', 'create', 'Example.test'),
    'Created the domain example.test.\nThe DNS records that it needs: postrider domain dns example.test\n',
  )
  assert.match(await run('domain', 'create', 'почта.рф'), /^Created the domain почта\.рф\.\n/)

  const created = await run('account', 'create', 'anna@example.test', '--name', 'Front desk')
  assert.match(created, /^Created the account anna@example\.test\.\nPassword: (\w{4}-){3}\w{4}\n$/)
  const withStdin = await runPostrider(
    folder,
    ['account', 'create', 'анна@почта.рф', '--language', 'ru', '--password-stdin'],
    'секретно\n',
  )
  assert.equal(withStdin.stdout, 'Created the account анна@почта.рф.\n')
  assert.equal(
    (await runPostrider(folder, ['account', 'password', 'anna@example.test'], 'a new one\n')).exitCode,
    0,
  )
  assert.equal((await runPostrider(folder, ['account', 'password', 'anna@example.test'], '')).exitCode, 1)
  const tooLong = await runPostrider(
    folder,
    ['account', 'password', 'anna@example.test'],
    `${'x'.repeat(1025)}\n`,
  )
  assert.match(tooLong.stderr, /has 1025 bytes, too many: choose one of at most 1024\./)
  const nowhere = await runHere(folder, ['export', join(folder, 'nowhere', 'x.toml')])
  assert.match(
    nowhere.stderr,
    /nowhere\/x\.toml cannot be written: there is no such file or folder\. Correct the path\.\n$/,
  )
  await run('account', 'disable', 'АННА@xn--80a1acny.xn--p1ai')
  assert.match(
    await run('account', 'unlock', 'anna@example.test'),
    /^Wrong passwords for anna@example\.test count from now on\./,
  )
  await run('account', 'change', 'anna@example.test', '--language', 'ru')
  await run('domain', 'postmaster', 'example.test', 'anna@example.test')
  assert.equal(
    await run('account', 'list'),
    'ADDRESS            NAME        LANGUAGE  USED  STATE\n' +
      'anna@example.test  Front desk  ru        0 B   enabled\n' +
      'анна@почта.рф                  ru        0 B   disabled\n',
  )

  await run('alias', 'create', 'info@example.test', 'anna@example.test', 'someone@elsewhere.test')
  await run('alias', 'create', '@example.test', 'anna@example.test')
  await run('alias', 'remove-target', 'info@example.test', 'someone@elsewhere.test')
  await run('group', 'create', 'team@example.test', 'anna@example.test', '--name', 'The team')
  await run('group', 'change', 'team@example.test', '--members-send')
  assert.equal(
    await run('group', 'add-member', 'team@example.test', 'анна@почта.рф'),
    'team@example.test → anna@example.test, анна@почта.рф\n',
  )
  const aliases = (await succeedJson(folder, 'alias', 'list')) as { address: string; targets: string[] }[]
  assert.deepEqual(
    aliases.map(({ address, targets }) => ({ address, targets })),
    [
      { address: '@example.test', targets: ['anna@example.test'] },
      { address: 'info@example.test', targets: ['anna@example.test'] },
    ],
  )
  const [team] = (await succeedJson(folder, 'group', 'list', 'example.test')) as Record<string, unknown>[]
  assert.deepEqual(
    { ...team, createdAt: '' },
    {
      address: 'team@example.test',
      name: 'The team',
      members: ['anna@example.test', 'анна@почта.рф'],
      membersSend: true,
      createdAt: '',
    },
  )
  const [domain] = (await succeedJson(folder, 'domain', 'list')) as Record<string, unknown>[]
  assert.deepEqual(
    { ...domain, createdAt: '' },
    {
      name: 'example.test',
      displayName: 'example.test',
      postmaster: 'anna@example.test',
      accounts: 1,
      aliases: 2,
      groups: 1,
      createdAt: '',
    },
  )

  const refused = await runPostrider(folder, ['account', 'remove', 'anna@example.test'])
  assert.equal(refused.exitCode, 1)
  assert.equal(refused.stderr.split('\n').length, 2, 'one line')
  assert.match(
    refused.stderr,
    /target of @example\.test, info@example\.test, team@example\.test, postmaster@example\.test/,
  )
  assert.equal((await runHere(folder, ['domain', 'remove', 'example.test'])).exitCode, 1)
  await run('group', 'remove', 'team@example.test')
  await run('alias', 'remove', '@example.test')
  await run('account', 'remove', 'anna@example.test', '--force')
  await run('domain', 'remove', 'example.test', '--force')
  assert.deepEqual(
    ((await succeedJson(folder, 'domain', 'list')) as { displayName: string }[]).map(one => one.displayName),
    ['почта.рф'],
  )
})

test('domain postmaster shows who gets the mail, and changes that only when it is told to', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  const postmaster = async (...parameters: string[]): Promise<string> =>
    (await runHere(folder, ['domain', 'postmaster', 'example.test', ...parameters])).stdout
  await succeed(folder, 'domain', 'create', 'example.org')
  const missing = await runHere(folder, ['domain', 'postmaster', 'example.test'])
  assert.equal(missing.exitCode, 1)
  assert.match(missing.stderr, /^example\.test is no domain of this server\./)
  await succeed(folder, 'domain', 'create', 'example.test')
  assert.equal(
    await postmaster(),
    'Mail for postmaster@example.test and abuse@example.test is put off (450): there is no enabled account. ' +
      'Create one: postrider account create <name>@example.test\n',
  )
  await succeed(folder, 'account', 'create', 'anna@example.test')
  await succeed(folder, 'account', 'create', 'boris@example.test')
  const roles = 'Mail for postmaster@example.test and abuse@example.test goes to'
  assert.equal(await postmaster(), `${roles} anna@example.test.\n`)
  assert.equal(await postmaster('boris@example.test'), `${roles} boris@example.test.\n`)
  assert.equal(await postmaster(), `${roles} boris@example.test.\n`, 'to ask changes nothing')
  await succeed(folder, 'alias', 'create', 'abuse@example.test', 'anna@example.test', 'desk@elsewhere.test')
  assert.equal(
    await postmaster(),
    'Mail for postmaster@example.test goes to boris@example.test.\n' +
      'Mail for abuse@example.test goes to anna@example.test, desk@elsewhere.test.\n',
  )
  assert.deepEqual(JSON.parse(await postmaster('--json')), {
    domain: 'example.test',
    postmaster: 'boris@example.test',
    receivers: {
      postmaster: ['boris@example.test'],
      abuse: ['anna@example.test', 'desk@elsewhere.test'],
    },
  })
  assert.match(
    await postmaster('--reset'),
    /^Mail for postmaster@example\.test goes to anna@example\.test\.\n/,
  )
  const both = await runHere(folder, [
    'domain',
    'postmaster',
    'example.test',
    'boris@example.test',
    '--reset',
  ])
  assert.equal(both.exitCode, 2)
  assert.match(both.stderr, /either an address or --reset/)
})

test('a list of one domain: that it is none of this server, or that it has nothing yet', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  for (const name of ['example.test', 'пример.рф'])
    assert.equal((await runHere(folder, ['domain', 'create', name])).exitCode, 0)
  assert.equal((await runHere(folder, ['account', 'create', 'anna@example.test'])).exitCode, 0)
  const expected = {
    account: 'пример.рф has no accounts yet. Create one: postrider account create anna@пример.рф\n',
    alias:
      'пример.рф has no alias yet. Create one: postrider alias create info@пример.рф anna@example.test\n',
    group:
      'пример.рф has no group yet. Create one: postrider group create team@пример.рф anna@example.test\n',
  }
  for (const [kind, text] of Object.entries(expected)) {
    const foreign = await runHere(folder, [kind, 'list', 'nodomain.test'])
    assert.equal(foreign.exitCode, 1)
    assert.match(foreign.stderr, /^nodomain\.test is no domain of this server\./)
    const empty = await runHere(folder, [kind, 'list', 'пример.рф'])
    assert.deepEqual(empty, { exitCode: 0, stdout: '', stderr: text })
  }
})

test('export, edit, look at the differences, apply', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  await succeed(folder, 'domain', 'create', 'example.test')
  await succeed(folder, 'account', 'create', 'anna@example.test')
  await succeed(folder, 'export', 'directory.toml')
  const file = join(folder, 'directory.toml')
  assert.equal(statSync(file).mode & 0o777, 0o600, 'nobody else reads password hashes')
  const exported = readFileSync(file, 'utf8')
  assert.equal(await succeed(folder, 'export'), exported)
  chmodSync(file, 0o644)
  const overwriting = await runHere(folder, ['export', 'directory.toml'])
  assert.equal(overwriting.exitCode, 1)
  assert.match(overwriting.stderr, /^directory\.toml is there already\. .*--force/)
  await succeed(folder, 'export', 'directory.toml', '--force')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.match(await succeed(folder, 'apply', 'directory.toml'), /^Nothing to change/)

  const edited = `${exported}\n[[account]]\naddress = "boris@example.test"\npassword = "secretly"\n[[alias]]\naddress = "info@example.test"\ntargets = ["boris@example.test"]\n`
  writeFileSync(file, edited)
  const difference =
    '+ account boris@example.test: language en; enabled yes; with a password\n+ alias info@example.test: targets boris@example.test\n'
  assert.equal(
    await succeed(folder, 'apply', 'directory.toml', '--dry-run'),
    `${difference}2 changes; nothing was applied.\n`,
  )
  const unconfirmed = await runHere(folder, ['apply', 'directory.toml'])
  assert.equal(unconfirmed.exitCode, 1)
  assert.match(unconfirmed.stderr, /--yes/)
  assert.equal(await succeed(folder, 'apply', 'directory.toml', '--yes'), `${difference}Applied 2 changes.\n`)
  const again = (await succeedJson(folder, 'apply', 'directory.toml', '--yes')) as {
    changes: unknown[]
    applied: boolean
  }
  assert.deepEqual(again, { changes: [], applied: false })
  const back = await runPostrider(folder, ['apply', '-', '--yes'], exported)
  assert.equal(back.stdout, '- account boris@example.test\n- alias info@example.test\nApplied 2 changes.\n')

  writeFileSync(file, '[[domain]]\nname = "example.test"\n[[account]]\naddress = "anna@exmaple.test"\n')
  const mistaken = await runHere(folder, ['apply', 'directory.toml', '--yes'])
  assert.equal(mistaken.exitCode, 1)
  assert.equal(
    mistaken.stderr,
    'directory.toml:4:11: exmaple.test is no [[domain]] of this file.\nNothing was changed.\n',
  )
  const missing = await runHere(folder, ['apply', 'nowhere.toml'])
  assert.equal(missing.exitCode, 1)
  assert.equal(
    missing.stderr,
    'nowhere.toml cannot be read: there is no such file or folder. Correct the path.\n',
  )
  writeFileSync(file, '[[domain]]\nname = example.test\n[[account]]\naddress = "anna@b.test\n')
  const unreadable = await runHere(folder, ['apply', 'directory.toml', '--yes'])
  assert.equal(unreadable.exitCode, 1)
  assert.equal(
    unreadable.stderr,
    'directory.toml:2:8: This is not a value. Text needs quotation marks: "…"; others are numbers, true, false and lists: [1, 2].\n' +
      'directory.toml:4:23: The closing quotation mark is missing. Write the text as "…", on one line.\n' +
      'Nothing was changed.\n',
  )
})

test('a document without a domain is shown, and applied only when that is asked for', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  await succeed(folder, 'domain', 'create', 'example.test')
  writeFileSync(join(folder, 'empty.toml'), '')
  const refused = await runHere(folder, ['apply', 'empty.toml', '--yes', '--force'])
  assert.equal(refused.exitCode, 1)
  assert.equal(refused.stdout, '- domain example.test\n')
  assert.match(refused.stderr, /^empty\.toml has no domain: .*--allow-empty\.\n$/)
  assert.equal(
    await succeed(folder, 'apply', 'empty.toml', '--dry-run'),
    '- domain example.test\n1 change; nothing was applied.\n',
  )
  assert.match(await succeed(folder, 'domain', 'list'), /example\.test/)
  assert.equal(
    await succeed(folder, 'apply', 'empty.toml', '--yes', '--allow-empty'),
    '- domain example.test\nApplied 1 change.\n',
  )
  // Nothing is left to lose.
  assert.match(await succeed(folder, 'apply', 'empty.toml'), /^Nothing to change/)
})

test('without settings, with broken settings, with the try-out folder', async context => {
  const folder = makeFolder(remove => context.after(remove))
  const none = await runHere(folder, ['account', 'list'])
  assert.equal(none.exitCode, 1)
  assert.match(
    none.stderr,
    /^There is no postrider\.toml in this folder.*--settings.*postrider init.*serve --try/s,
  )
  const unnamed = await runHere(folder, ['account', 'list', '--settings', 'nowhere.toml'])
  assert.equal(unnamed.exitCode, 1)
  assert.match(unnamed.stderr, /nowhere\.toml/)
  writeFileSync(join(folder, 'broken.toml'), 'hostname = 5\n')
  const broken = await runHere(folder, ['--settings', 'broken.toml', 'account', 'list'])
  assert.equal(broken.exitCode, 1)
  assert.match(broken.stderr, /broken\.toml:1:/)
  writeFileSync(join(folder, 'other.toml'), 'hostname = "mail.example.test"\ndataFolder = "other-data"\n')
  await succeed(folder, 'domain', 'create', 'example.test', '--settings', 'other.toml')
  assert.match(await succeed(folder, '--settings', 'other.toml', 'domain', 'list'), /example\.test/)
})

test('two commands at once wait for each other', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  await succeed(folder, 'domain', 'create', 'example.test')
  const names = ['anna', 'boris', 'vera', 'gleb']
  await Promise.all(names.map(name => succeed(folder, 'account', 'create', `${name}@example.test`)))
  const accounts = (await succeedJson(folder, 'account', 'list')) as { address: string }[]
  assert.deepEqual(
    accounts.map(one => one.address),
    names.map(name => `${name}@example.test`).toSorted(),
  )
})

test('a password of fewer than eight characters is refused, however it comes', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  await succeed(folder, 'domain', 'create', 'example.test')
  const tooShort =
    /^The password has 7 characters, too few: choose one of at least 8\. Without one, a password is made up/
  const address = 'anna@example.test'
  for (const parameters of [['--password', 'секреты'], ['--password-stdin']]) {
    const refused = await runHere(folder, ['account', 'create', address, ...parameters], {
      keyboard: Readable.from(['секреты\n']),
    })
    assert.equal(refused.exitCode, 2)
    assert.match(refused.stderr, tooShort)
  }
  const empty = await runHere(folder, ['account', 'create', address, '--password', ''])
  assert.match(empty.stderr, /^The password has 0 characters/)
  await succeed(folder, 'account', 'create', address, '--password', 'секретно')
  const changed = await runHere(folder, ['account', 'password', address], {
    keyboard: Readable.from(['x\n']),
  })
  assert.equal(changed.exitCode, 2)
  assert.match(changed.stderr, /^The password has 1 character, too few: .* With --generate, one is made up/)
  const document = `[[domain]]\nname = "example.test"\n[[account]]\naddress = "${address}"\npassword = "1234567"\n`
  const applied = await runHere(folder, ['apply', '-', '--yes'], { keyboard: Readable.from([document]) })
  assert.equal(applied.exitCode, 1)
  assert.match(
    applied.stderr,
    /^stdin:5:12: The password has 7 characters, too few: choose one of at least 8\.\n/,
  )
})

test('refusals show domains as people write them', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  const refused = async (...parameters: string[]): Promise<string> => {
    const { exitCode, stderr } = await runHere(folder, parameters)
    assert.equal(exitCode, 1, stderr)
    return stderr
  }
  const domain = 'почта.рф'
  await succeed(folder, 'domain', 'create', 'example.org')
  assert.match(
    await refused('account', 'create', `anna@${domain}`),
    /^почта\.рф is no domain .*create почта\.рф"/,
  )
  assert.match(await refused('domain', 'remove', domain), /^почта\.рф is no domain/)
  await succeed(folder, 'domain', 'create', domain)
  await succeed(folder, 'account', 'create', `анна@${domain}`)
  await succeed(folder, 'group', 'create', `team@${domain}`, `анна@${domain}`)
  assert.match(await refused('domain', 'create', domain), /^The domain почта\.рф is here already/)
  assert.match(await refused('domain', 'remove', domain), /^почта\.рф has 1 account/)
  assert.match(
    await refused('group', 'remove-member', `team@${domain}`, `boris@${domain}`),
    /^boris@почта\.рф is not in the group team@почта\.рф/,
  )
  assert.match(
    await refused('group', 'remove-member', `team@${domain}`, `анна@${domain}`),
    /^team@почта\.рф needs/,
  )
  assert.match(
    await refused('account', 'remove', `анна@${domain}`),
    /^анна@почта\.рф is a target of team@почта\.рф\. .* disable анна@почта\.рф\n$/,
  )
  assert.match(await refused('alias', 'create', `x@${domain}`, `y@${domain}`), /^y@почта\.рф does not exist/)
  for (const verb of ['disable', 'unlock'])
    assert.match(await refused('account', verb, `y@${domain}`), /no account y@почта\.рф/)
})

test('whatever a command makes in the data folder is for its owner only', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  const dataFolder = join(folder, 'mail-data')
  await succeed(folder, 'domain', 'create', 'example.test')
  chmodSync(join(dataFolder, 'lock.sqlite'), 0o644)
  await succeed(folder, 'account', 'create', 'anna@example.test')
  const open = readdirSync(dataFolder, { recursive: true, encoding: 'utf8' }).filter(
    name => (statSync(join(dataFolder, name)).mode & 0o077) !== 0,
  )
  assert.deepEqual(open, [])
  assert.ok(readdirSync(dataFolder).includes('lock.sqlite'))
})

test('a data folder that is none, or can be none: whoever would make it says what is wrong with it', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  const settingsFile = join(folder, 'postrider.toml')
  const file = join(folder, 'a-file')
  writeFileSync(file, '')
  const unusable = [
    [file, `${file} is a file, not a folder.`],
    [join(file, 'below'), `${file} is a file, not a folder.`],
    ['/dev/null/x', '/dev/null is a file, not a folder.'],
    // Node's own recursive mkdir does not return from here.
    ['/proc/foo', 'Nothing can be written into /proc.'],
  ] as const
  for (const [dataFolder, why] of unusable) {
    writeFileSync(settingsFile, `hostname = "mail.example.test"\ndataFolder = "${dataFolder}"\n`)
    const message =
      `The data folder ${dataFolder} cannot be used: ${why} ` +
      'Give it to the user that runs the server, or set another dataFolder.\n'
    for (const parameters of [['serve'], ['domain', 'create', 'example.test']]) {
      const run = parameters[0] === 'serve' ? runPostrider : runHere
      const { exitCode, stderr } = await run(folder, parameters)
      assert.equal(stderr, message, parameters.join(' '))
      assert.equal(exitCode, 1)
    }
    const listed = await runHere(folder, ['account', 'list'])
    assert.match(listed.stderr, /^There is no Postrider data in /)
    assert.equal(listed.exitCode, 1)
    const checked = await runHere(folder, ['check'])
    assert.equal(checked.exitCode, 1)
    assert.match(checked.stdout, /ERROR {4}data folder: /)
  }
})

test('check warns of a domain whose postmaster@ nobody gets, and of one that takes no other mail', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  const directory = async (): Promise<unknown[]> => {
    const { stdout } = await runHere(folder, ['check', '--json'])
    const { findings } = JSON.parse(stdout) as { findings: { subject: string; [name: string]: unknown }[] }
    return findings
      .filter(({ subject }) => subject === 'directory')
      .map(({ severity, what, cost }) => [severity, what, cost])
  }
  const run = async (...parameters: string[]): Promise<void> =>
    assert.equal((await runHere(folder, parameters)).exitCode, 0)
  await run('domain', 'create', 'example.test')
  const nobody: unknown = [
    'warning',
    'example.test has no enabled account.',
    'Mail for postmaster@example.test and abuse@example.test, which every domain has to take, is put off (450).',
  ]
  assert.deepEqual(await directory(), [
    [
      'warning',
      'example.test has no enabled account, alias or group.',
      'All mail for example.test is put off (450).',
    ],
  ])
  await run('alias', 'create', 'info@example.test', 'someone@elsewhere.test')
  assert.deepEqual(await directory(), [nobody])
  await run('account', 'create', 'anna@example.test', '--disabled')
  assert.deepEqual(await directory(), [nobody])
  await run('account', 'enable', 'anna@example.test')
  assert.deepEqual(await directory(), [['ok', 'domains: example.test', '']])
  await run('domain', 'create', 'empty.test')
  assert.deepEqual(await directory(), [
    [
      'warning',
      'empty.test has no enabled account, alias or group.',
      'Mail for empty.test is refused (550), all but that for postmaster@ and abuse@.',
    ],
  ])
})

test('add makes, and delete and rm remove, as in other programs', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  await succeed(folder, 'domain', 'add', 'example.test')
  await succeed(folder, 'account', 'add', 'anna@example.test')
  await succeed(folder, 'alias', 'add', 'info@example.test', 'anna@example.test')
  await succeed(folder, 'alias', 'delete', 'info@example.test')
  await succeed(folder, 'account', 'rm', 'anna@example.test')
  await succeed(folder, 'domain', 'delete', 'example.test')
  assert.deepEqual(await succeedJson(folder, 'domain', 'list'), [])
})

test('app passwords, by command line', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  const run = (...parameters: string[]): Promise<string> => succeed(folder, ...parameters)
  await run('domain', 'create', 'example.test')
  await run('account', 'create', 'anna@example.test')
  const add = ['account', 'app-password', 'add', 'anna@example.test']
  assert.match(
    await run(...add, 'phone'),
    /^App password "phone" of anna@example\.test, for smtp\.\nPassword: (\w{4}-){3}\w{4}\nIt sends and does not read: .* --scope imap too\.\n$/,
  )
  assert.match(
    await run(...add, 'office printer', '--scope', 'smtp', '--scope', 'imap', '--expires', '2099-12-31'),
    /^App password "office printer" of anna@example\.test, for smtp, imap until 2099-12-31 23:59:59\.\nPassword: [\w-]+\n$/,
  )
  assert.equal(
    await run('account', 'app-password', 'list'),
    'ACCOUNT            NAME            FOR         EXPIRES              LAST USED\n' +
      'anna@example.test  office printer  smtp, imap  2099-12-31 23:59:59  never\n' +
      'anna@example.test  phone           smtp        never                never\n',
  )
  for (const [parameters, exitCode, message] of [
    [['phone'], 1, /has an app password "phone" already/],
    [['x', '--scope', 'ftp'], 2, /one of smtp, imap, pop3/],
    [['x', '--expires', '2001-01-01'], 2, /no time to come/],
    [['x', '--expires', 'soon'], 2, /no time to come/],
    [['two\nlines'], 2, /one line of at most 100 characters/],
  ] as const) {
    const refused = await runHere(folder, [...add, ...parameters])
    assert.equal(refused.exitCode, exitCode, refused.stderr)
    assert.match(refused.stderr, message)
  }
  const nobody = await runHere(folder, ['account', 'app-password', 'add', 'nobody@example.test', 'x'])
  assert.match(nobody.stderr, /There is no account nobody@example\.test/)
  await run('account', 'app-password', 'remove', 'anna@example.test', 'phone')
  const again = await runHere(folder, ['account', 'app-password', 'remove', 'anna@example.test', 'phone'])
  assert.match(again.stderr, /has no app password "phone"/)
  const [row] = (await succeedJson(folder, 'account', 'app-password', 'list')) as { name: string }[]
  assert.equal(row?.name, 'office printer')
})
