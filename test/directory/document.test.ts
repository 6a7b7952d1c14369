import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestAppPassword, listAppPasswords, noteAppPasswordUse } from '../../src/directory/app-passwords.ts'
import { applyDocument, hashPasswords } from '../../src/directory/apply-document.ts'
import { authenticate } from '../../src/directory/authenticate.ts'
import { compareDocuments, formatChange } from '../../src/directory/compare-documents.ts'
import { type DirectoryDocument, exportDirectory } from '../../src/directory/document.ts'
import { formatDocument } from '../../src/directory/format-document.ts'
import { parseDocument } from '../../src/directory/parse-document.ts'
import { changeGroup } from '../../src/directory/redirections.ts'
import type { Storage } from '../../src/storage/operation.ts'
import {
  addAccount,
  addAlias,
  addDomain,
  addGroup,
  address,
  at,
  keepPasswords,
  noPassword,
  openDirectory,
} from './open-directory.ts'

/** Applies a text as the command does; returns the lines that a person sees first. */
async function apply(storage: Storage, text: string, withContents = false): Promise<string[]> {
  const parsed = parseDocument(text)
  assert.ok(parsed.kind === 'document', JSON.stringify(parsed))
  const current = await storage.run(exportDirectory, undefined)
  const hashed = await hashPasswords(parsed.document, current, keepPasswords(storage))
  assert.ok(hashed.kind === 'document', JSON.stringify(hashed))
  const shown = compareDocuments(current, hashed.document)
  await storage.run(applyDocument, { document: hashed.document, shown, withContents, at })
  return shown.map(formatChange)
}

function problemsOf(text: string): string[] {
  const parsed = parseDocument(text)
  assert.equal(parsed.kind, 'problems')
  return parsed.kind === 'problems'
    ? parsed.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
    : []
}

async function fill(storage: Storage): Promise<void> {
  const cyrillic = address('x@почта.рф').domain
  await addDomain(storage, 'example.test')
  await addDomain(storage, cyrillic)
  await addAccount(storage, 'anna@example.test')
  await addAccount(storage, 'анна@почта.рф', false)
  await addAccount(storage, '"a \\"quoted\\\\ one"@example.test')
  await addAlias(storage, 'info@example.test', 'anna@example.test', 'someone@elsewhere.test')
  await addAlias(storage, '@почта.рф'.replace('почта.рф', cyrillic), 'анна@почта.рф')
  await addGroup(storage, 'team@example.test', 'anna@example.test', 'анна@почта.рф')
  await storage.run(changeGroup, { address: address('team@example.test'), membersSend: true })
}

test('what is exported can be applied to an empty server, and makes it the same', async context => {
  const first = await openDirectory(context)
  await fill(first)
  const exported = await first.run(exportDirectory, undefined)
  const text = formatDocument(exported)
  assert.match(text, /name = "почта\.рф"/)
  assert.match(text, /^membersSend = true$/m)
  const second = await openDirectory(context)
  const changes = await apply(second, text)
  assert.deepEqual(
    changes.map(line => line.split(':')[0]),
    [
      '+ domain example.test',
      '+ domain почта.рф',
      '+ account "a \\"quoted\\\\ one"@example.test',
      '+ account anna@example.test',
      '+ account анна@почта.рф',
      '+ alias info@example.test',
      '+ alias @почта.рф',
      '+ group team@example.test',
    ],
  )
  assert.deepEqual(await second.run(exportDirectory, undefined), exported)
  assert.deepEqual(await apply(second, text), [])
})

test('the differences are said in words, and are what happens', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  await addAccount(storage, 'boris@example.test')
  await addAlias(storage, 'info@example.test', 'anna@example.test')
  await addAlias(storage, 'old@example.test', 'anna@example.test')
  const text = `
[[domain]]
name = "example.test"
postmaster = "anna@example.test"

[[account]]
address = "anna@example.test"
language = "ru"
enabled = false
password = "a secret"

[[account]]
address = "vera@example.test"
passwordHash = "${noPassword}"

[[group]]
address = "old@example.test"
members = ["vera@example.test"]

[[alias]]
address = "info@example.test"
targets = ["anna@example.test", "vera@example.test"]
`
  assert.deepEqual(await apply(storage, text), [
    '- account boris@example.test',
    '- alias old@example.test',
    '~ domain example.test: postmaster (none) → anna@example.test',
    '~ account anna@example.test: language en → ru; enabled yes → no; password changes',
    '+ account vera@example.test: language en; enabled yes; with a password',
    '+ group old@example.test: members vera@example.test',
    '~ alias info@example.test: targets anna@example.test → anna@example.test, vera@example.test',
  ])
  assert.deepEqual(
    await apply(storage, text),
    [],
    'a password in clear text that is still right changes nothing',
  )
  assert.deepEqual(await apply(storage, text.replace('members =', 'membersSend = true\nmembers =')), [
    '~ group old@example.test: membersSend (none) → yes',
  ])
  await apply(storage, text.replace('enabled = false', ''))
  assert.ok(await authenticate(storage, 'anna@example.test', 'a secret'))
})

test('quotas and retention are written, compared and taken away again', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  const bare = formatDocument(await storage.run(exportDirectory, undefined))
  const text = bare
    .replace(/^(name = "example.test")$/m, '$1\nquota = "5 GB"\nquotaMessages = 100000')
    .replace(/^(language = "en")$/m, '$1\nquota = "none"\nkeepTrashDays = 90\nkeepJunkDays = 0')
  assert.deepEqual(await apply(storage, text), [
    '~ domain example.test: quota (none) → 5 GB; quotaMessages (none) → 100000',
    '~ account anna@example.test: quota (none) → none; keepTrashDays (none) → 90; keepJunkDays (none) → 0',
  ])
  const { domains, accounts } = await storage.run(exportDirectory, undefined)
  assert.deepEqual(domains, [{ name: 'example.test', quotaBytes: 5 * 1024 ** 3, quotaMessages: 100_000 }])
  const { quotaBytes, quotaMessages, keepTrashDays, keepJunkDays } = accounts[0] ?? assert.fail()
  assert.deepEqual([quotaBytes, quotaMessages, keepTrashDays, keepJunkDays], [0, undefined, 90, 0])
  const again = formatDocument(await storage.run(exportDirectory, undefined))
  assert.match(again, /^quota = "5 GB"\nquotaMessages = 100000$/m)
  assert.deepEqual(await apply(storage, again), [])
  assert.equal((await apply(storage, bare)).length, 2)
  assert.equal(formatDocument(await storage.run(exportDirectory, undefined)), bare)
  assert.deepEqual(problemsOf('[[domain]]\nname = "example.test"\nquota = "much"\nquotaMessages = 1.5\n'), [
    '3:9 A quota is written "500 MB", "5 GB", or "none" for no limit.',
    '4:17 "quotaMessages" is a whole number from 0 to 1000000000, without quotation marks.',
  ])
})

test('an account without a password keeps the one it has; a new one needs one', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  const text = '[[domain]]\nname = "example.test"\n[[account]]\naddress = "anna@example.test"\n'
  assert.deepEqual(await apply(storage, text), [])
  const parsed = parseDocument(`${text}[[account]]\naddress = "boris@example.test"\n`)
  assert.ok(parsed.kind === 'document')
  const hashed = await hashPasswords(
    parsed.document,
    await storage.run(exportDirectory, undefined),
    keepPasswords(storage),
  )
  assert.deepEqual(hashed, {
    kind: 'problems',
    problems: [
      {
        line: 5,
        column: 1,
        message: 'The account boris@example.test is new: it needs a password or a passwordHash.',
      },
    ],
  })
})

test('nothing is applied when the directory changed after the differences were shown', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  const document: DirectoryDocument = {
    domains: [{ name: 'example.test' }],
    accounts: [],
    appPasswords: [],
    redirections: [],
    relays: [],
  }
  await addAccount(storage, 'anna@example.test')
  const before = await storage.run(exportDirectory, undefined)
  await assert.rejects(storage.run(applyDocument, { document, shown: [], withContents: false, at }), {
    code: 'DIRECTORY_CHANGED_MEANWHILE',
  })
  assert.deepEqual(await storage.run(exportDirectory, undefined), before)
})

test('every mistake is named with its line and column, all at once', () => {
  assert.deepEqual(problemsOf('[[domain]]\nname = "example.test\n'), [
    '2:21 The closing quotation mark is missing. Write the text as "…", on one line.',
  ])
  const text = `title = "x"
[[domain]]
name = "example.test"
owner = "anna"
[[domain]]
name = "no domain"
[[account]]
address = "anna"
language = "de"
[[account]]
address = "anna@example.test"
enabled = "yes"
password = "x7"
passwordHash = "y"
[[account]]
name = "nobody"
[[alias]]
address = "ANNA@example.test"
targets = ["nobody@example.test", 5]
[[group]]
address = "team@other.test"
members = []
[[mailinglist]]
`
  assert.deepEqual(problemsOf(text), [
    '1:1 Expected one of [[domain]], [[account]], [[appPassword]], [[alias]], [[group]], [[relay]], and not title = ….',
    '4:1 [[domain]] has no "owner". It takes name, postmaster, quota, quotaMessages.',
    '6:8 "no domain" is no domain name.',
    '8:11 "anna" is no mail address.',
    '9:12 The language is "en" or "ru".',
    '12:11 "enabled" is true or false, without quotation marks.',
    '13:12 Give password or passwordHash, not both.',
    '13:12 The password has 2 characters, too few: choose one of at least 8.',
    '15:1 "address" is missing.',
    '18:11 This address is here twice: it is already that of an account.',
    '19:12 No account, alias or group of this file has this address, although its domain is ours.',
    '19:35 This is no mail address.',
    '21:11 other.test is no [[domain]] of this file.',
    '22:11 "members" is needed: a list of addresses, ["anna@example.test"].',
    '23:1 Expected one of [[domain]], [[account]], [[appPassword]], [[alias]], [[group]], [[relay]], and not [[mailinglist]].',
  ])
})

test('a loop of aliases and groups, and a chain too long for delivery, are mistakes of the document', () => {
  const domain = '[[domain]]\nname = "b.test"\n'
  const account = `[[account]]\naddress = "anna@b.test"\npasswordHash = "${noPassword}"\n`
  const alias = (name: string, ...targets: readonly string[]): string =>
    `[[alias]]\naddress = "${name}@b.test"\ntargets = ["${targets.map(one => `${one}@b.test`).join('", "')}"]\n`
  const team = '[[group]]\naddress = "team@b.test"\nmembers = ["anna@b.test", "Info+x@b.test"]\n'
  assert.deepEqual(problemsOf(domain + account + alias('info', 'anna', 'team') + team), [
    '8:27 This closes a loop in which mail would go round and never arrive: info@b.test → team@b.test → info@b.test. ' +
      'Leave one of these steps out.',
  ])
  const chain = Array.from({ length: 11 }, (_, step) =>
    alias(`a${step + 1}`, step === 0 ? 'anna' : `a${step}`),
  )
  const [problem = '', ...others] = problemsOf(domain + account + chain.join(''))
  assert.match(problem, /^8:12 More than 10 aliases and groups .*: a11@b\.test → .* → a1@b\.test\. Let/)
  assert.deepEqual(others, [])
  assert.equal(parseDocument(domain + account + chain.slice(0, 10).join('')).kind, 'document')
})

test('keys for SCRAM come and go with the password; a file from before there were any takes none away', async context => {
  const storage = await openDirectory(context)
  const text = (credential: string) =>
    `[[domain]]\nname = "example.test"\n[[account]]\naddress = "anna@example.test"\n${credential}`
  await apply(storage, text('password = "first secret"\n'))
  const exported = await storage.run(exportDirectory, undefined)
  const [anna] = exported.accounts
  assert.match(anna?.scramKeys[0] ?? '', /^SCRAM-SHA-256\$65536:/)
  assert.deepEqual(await apply(storage, formatDocument(exported)), [])
  assert.deepEqual(await apply(storage, text(`passwordHash = "${anna?.passwordHash}"\n`)), [])
  assert.deepEqual(await storage.run(exportDirectory, undefined), exported)
  assert.deepEqual(await apply(storage, text('password = "second secret"\n')), [
    '~ account anna@example.test: password changes',
  ])
  const [changed] = (await storage.run(exportDirectory, undefined)).accounts
  assert.notDeepEqual(changed?.scramKeys, anna?.scramKeys)
  await apply(storage, text(`passwordHash = "${noPassword}"\n`))
  assert.deepEqual((await storage.run(exportDirectory, undefined)).accounts[0]?.scramKeys, [])
})

test('keys for SCRAM without their password, or of another form, are mistakes', () => {
  const account = '[[domain]]\nname = "a.test"\n[[account]]\naddress = "a@a.test"\n'
  assert.deepEqual(problemsOf(`${account}scramKeys = ["SCRAM-MD5$1:x$y:z"]\n`), [
    '5:13 scramKeys are of a passwordHash, and there is none. A password needs no keys: they are made from it.',
    '5:14 This is no key for SCRAM: SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey (RFC 5803).',
  ])
  assert.deepEqual(problemsOf(`${account}passwordHash = "${noPassword}"\nscramKeys = "x"\n`), [
    '6:13 "scramKeys" is a list of texts, as "postrider export" writes them.',
  ])
})

test('app passwords are exported, applied, changed and removed as the rest; the same file again keeps when they were used', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  const digest = digestAppPassword('kq7m-x3wp-9fht-n4rd')
  const base = formatDocument(await storage.run(exportDirectory, undefined))
  const app = (more: string) =>
    `[[appPassword]]\naccount = "anna@example.test"\nname = "phone"\ndigest = "${digest}"\n${more}`
  assert.deepEqual(
    await apply(storage, base + app('scopes = ["smtp", "imap"]\nexpires = "2027-01-31T00:00:00Z"\n')),
    [
      '+ app password "phone" of anna@example.test: scopes smtp, imap; expires 2027-01-31T00:00:00.000Z; with a password',
    ],
  )
  await storage.run(noteAppPasswordUse, { id: 1, at: at + 60_000 })
  const exported = formatDocument(await storage.run(exportDirectory, undefined))
  assert.deepEqual(await apply(storage, exported), [])
  assert.deepEqual(await apply(storage, base + app('scopes = ["smtp"]\n')), [
    '~ app password "phone" of anna@example.test: scopes smtp, imap → smtp; expires 2027-01-31T00:00:00.000Z → (none)',
  ])
  const [phone] = await storage.run(listAppPasswords, {})
  assert.deepEqual(phone, {
    account: address('anna@example.test'),
    name: 'phone',
    scopes: ['smtp'],
    createdAt: at,
    lastUsedAt: at + 60_000,
  })
  assert.deepEqual(await apply(storage, base), ['- app password "phone" of anna@example.test'])
  await apply(storage, exported)
  // With its account.
  assert.deepEqual(await apply(storage, '[[domain]]\nname = "example.test"\n'), [
    '- account anna@example.test',
    '- app password "phone" of anna@example.test',
  ])
  assert.deepEqual(await storage.run(listAppPasswords, {}), [])
})

test('mistakes in app passwords name their place', () => {
  const start = '[[domain]]\nname = "a.test"\n[[appPassword]]\naccount = "a@a.test"\n'
  assert.deepEqual(
    problemsOf(`${start}name = ""\ndigest = "x"\nscopes = ["smtp", "ftp"]\nexpires = "soon"\n`),
    [
      '4:11 This is no [[account]] of this file.',
      '5:8 The name of an app password is one line of at most 100 characters, without control characters: phone, "office printer".',
      '6:10 The digest of an app password is SHA-256 in hexadecimal, as "postrider export" writes it.',
      '7:10 "scopes" is a list of smtp, imap, pop3, sieve: ["smtp"].',
      '8:11 This is no time: "2027-01-31T12:00:00Z".',
    ],
  )
})
