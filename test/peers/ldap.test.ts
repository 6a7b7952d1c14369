// Accounts that a real LDAP server knows (slapd): who logs in, who gets mail, what is kept here, and what an outage costs.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import type { Settings } from '../../src/config/settings.ts'
import {
  changeAccount,
  createAccount as createLocal,
  findAccount,
  listAccounts,
  removeAccount,
} from '../../src/directory/accounts.ts'
import { createAppPassword } from '../../src/directory/app-passwords.ts'
import { applyDocument, hashPasswords } from '../../src/directory/apply-document.ts'
import { compareDocuments } from '../../src/directory/compare-documents.ts'
import { exportDirectory } from '../../src/directory/document.ts'
import { formatDocument } from '../../src/directory/format-document.ts'
import { storedAppPassword, storedPassword } from '../../src/directory/new-password.ts'
import { parseDocument } from '../../src/directory/parse-document.ts'
import { createRedirection, listRedirections } from '../../src/directory/redirections.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { eventually } from '../harness/eventually.ts'
import { logInPlain, logInScram, openSession, openTlsSession } from '../harness/log-in.ts'
import { createAccount, readMessage } from '../harness/mailboxes.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'
import { mailAudience, startOpenIdProvider } from '../harness/openid-provider.ts'
import { missing, type ProgramResult, runProgram } from '../harness/programs.ts'
import type { RawConnection } from '../harness/raw-connection.ts'
import { createServerFolder, startServer } from '../harness/server-process.ts'
import { mailGroup, people, type Slapd, searcher, startSlapd } from '../harness/slapd.ts'
import { sendWithMsmtp } from './msmtp.ts'

const skip = missing('slapd', 'slapadd', 'ldapmodify')
const anna = 'anna@here.test'
const lena = 'lena@here.test'
const oleg = 'oleg@here.test'

let slapd: Slapd

before(async () => {
  if (!skip) slapd = await startSlapd()
})

after(async () => {
  await slapd?.remove()
})

const address = (text: string) => parseAddress(text) ?? assert.fail(`${text} is no address`)

/** As caFile would. */
function trustSlapd(settings: Settings): Settings {
  const { ldap } = settings.login
  return { ...settings, login: { ...settings.login, ldap: ldap && { ...ldap, caPem: slapd.ca } } }
}

async function start(
  t: TestContext,
  ldap: Readonly<Record<string, unknown>> = {},
  login: Readonly<Record<string, unknown>> = {},
  trusts: 'its authority' | 'nobody' = 'its authority',
  clock: ManualClock = createManualClock(),
): Promise<ComposedServer> {
  return await startComposedServer(t, {
    complete: settings => (trusts === 'nobody' ? settings : trustSlapd(settings)),
    clock,
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }],
    settings: {
      login: {
        ldap: {
          url: slapd.secureUrl,
          base: people,
          bindDn: searcher.dn,
          password: searcher.password,
          ...ldap,
        },
        ...login,
      },
    },
  })
}

async function connect(t: TestContext, server: ComposedServer): Promise<RawConnection> {
  const connection = await openTlsSession(server.port('submission'))
  t.after(() => connection.destroy())
  return connection
}

async function logIn(
  t: TestContext,
  server: ComposedServer,
  name: string,
  password: string,
): Promise<number | undefined> {
  return await logInPlain(await connect(t, server), name, password)
}

/** The code of the answer to a stranger's RCPT. */
async function rcpt(t: TestContext, server: ComposedServer, to: string): Promise<number | undefined> {
  const connection = await openSession(server.port('relay'))
  t.after(() => connection.destroy())
  await connection.command('MAIL FROM:<stranger@elsewhere.test>')
  return (await connection.command(`RCPT TO:<${to}>`))?.code
}

type Refused = Extract<TrailEvent, { kind: 'refused' }>

async function problems(server: ComposedServer, count: number): Promise<(string | undefined)[]> {
  return await eventually(`${count} refusals in the trail`, async () => {
    const found = (await server.events()).filter(
      (event): event is Refused => event.kind === 'refused' && event.command === 'AUTH',
    )
    return found.length >= count ? found.map(({ loginProblem }) => loginProblem) : undefined
  })
}

async function accountsOf(server: ComposedServer): Promise<Record<string, boolean>> {
  const accounts = await server.storage.run(listAccounts, {})
  return Object.fromEntries(accounts.map(each => [each.address.localPart, each.outside]))
}

async function aliasesOf(server: ComposedServer): Promise<string[]> {
  const aliases = await server.storage.run(listRedirections, { kind: 'alias' })
  return aliases.map(alias => alias.address.localPart)
}

for (const [what, ldap] of [
  ['ldaps', () => ({})],
  ['StartTLS', () => ({ url: slapd.url })],
  ['in the clear, on this machine', () => ({ url: slapd.url, tls: 'never' })],
  [
    'without a search',
    () => ({ base: undefined, bindDn: undefined, password: undefined, userDn: `uid={localPart},${people}` }),
  ],
] as const)
  test(`who logs in by LDAP, ${what}`, { skip }, async t => {
    const server = await start(t, ldap())
    assert.equal(await logIn(t, server, lena, 'secret of lena'), 235)
    assert.equal(await logIn(t, server, 'LENA@here.test', 'secret of lena'), 235)
    assert.equal(await logIn(t, server, lena, 'secret of oleg'), 535)
    assert.equal(await logIn(t, server, 'nobody@here.test', 'secret of lena'), 535)
    assert.equal(await logIn(t, server, anna, 'secret'), 235)
    assert.equal(await logIn(t, server, anna, 'wrong'), 535)
    assert.deepEqual(await accountsOf(server), { anna: false, lena: true })
    const account = await server.storage.run(findAccount, { address: address(lena) })
    assert.equal(account?.name, 'Lena of LDAP')
    assert.deepEqual(await aliasesOf(server), ['lena.smith'])
  })

test('only PLAIN and LOGIN are offered, because nothing is kept of the passwords', { skip }, async t => {
  const server = await start(t)
  const connection = await connect(t, server)
  assert.match((await connection.command('EHLO client.example.org'))?.text ?? '', /^AUTH PLAIN LOGIN$/m)
  const all = await start(t, {}, { mechanisms: ['SCRAM-SHA-256', 'PLAIN'] })
  assert.equal(await logIn(t, all, lena, 'secret of lena'), 235)
  // Keys that stayed would let the old password in when LDAP has a new one.
  assert.equal(
    (await logInScram(await connect(t, all), { name: lena, password: 'secret of lena' })).code,
    535,
  )
  assert.equal((await logInScram(await connect(t, all), { name: anna, password: 'secret' })).code, 235)
})

test('a name is a value in the filter, whatever it has in it', { skip }, async t => {
  const server = await start(t, { filter: '(|(mail={address})(uid={localPart}))' })
  for (const name of [
    '*@here.test',
    'l*@here.test',
    '"*)(uid=*"@here.test',
    '"\\\\2a"@here.test',
    'lena*@here.test',
  ])
    for (const password of ['secret of lena', 'secret of star'])
      assert.equal(await logIn(t, server, name, password), 535, name)
  assert.equal(await logIn(t, server, 'a*b@here.test', 'secret of star'), 235)
  assert.deepEqual(await accountsOf(server), { 'a*b': true, anna: false })
})

test('mail for whom only LDAP knows is taken, and for whom nobody knows it is not', { skip }, async t => {
  const server = await start(t)
  assert.equal(await rcpt(t, server, oleg), 250)
  assert.equal(await rcpt(t, server, 'lena.smith@here.test'), 250)
  assert.equal(await rcpt(t, server, 'lena+shop@here.test'), 250)
  assert.equal(await rcpt(t, server, 'nobody@here.test'), 550)
  assert.equal(await rcpt(t, server, 'nobody@elsewhere.test'), 550)
  assert.deepEqual(await accountsOf(server), { anna: false, lena: true, oleg: true })
  const connection = await connect(t, server)
  assert.equal(await logInPlain(connection, lena, 'secret of lena'), 235)
  // An alias is hers to send as.
  assert.equal((await connection.command('MAIL FROM:<lena.smith@here.test>'))?.code, 250)
  assert.equal((await connection.command('RSET'))?.code, 250)
  assert.equal((await connection.command('MAIL FROM:<anna@here.test>'))?.code, 553)
})

test('a catch-all takes nothing from whom LDAP knows', { skip }, async t => {
  const server = await start(t)
  await server.storage.run(createRedirection, {
    kind: 'alias',
    address: { localPart: '', domain: 'here.test' },
    name: '',
    targets: [address(anna)],
    at: server.clock.now(),
  })
  assert.equal(await rcpt(t, server, 'nobody@here.test'), 250)
  assert.equal(await rcpt(t, server, oleg), 250)
  assert.deepEqual(await accountsOf(server), { anna: false, oleg: true })
})

test('LDAP away: its accounts have to wait, and nobody else', { skip }, async t => {
  const server = await start(t, {}, { maxFailuresPerAccount: 3 })
  assert.equal(await rcpt(t, server, lena), 250)
  await slapd.stop()
  try {
    for (let times = 0; times < 4; times++) assert.equal(await logIn(t, server, lena, 'secret of lena'), 454)
    assert.equal(await logIn(t, server, oleg, 'secret of oleg'), 454)
    assert.equal(await logIn(t, server, anna, 'secret'), 235)
    assert.equal(await rcpt(t, server, lena), 250)
    assert.equal(await rcpt(t, server, anna), 250)
    assert.equal(await rcpt(t, server, oleg), 451)
  } finally {
    await slapd.startAgain()
  }
  server.clock.advance(5000)
  assert.equal(await logIn(t, server, lena, 'secret of lena'), 235)
  assert.equal(await rcpt(t, server, oleg), 250)
  assert.deepEqual(new Set(await problems(server, 5)), new Set(['directory-down']))
})

test('wrong passwords of LDAP are guesses like others', { skip }, async t => {
  const server = await start(t, {}, { maxFailuresPerAccount: 3 })
  for (let times = 0; times < 3; times++) assert.equal(await logIn(t, server, lena, `wrong ${times}`), 535)
  assert.equal(await logIn(t, server, lena, 'secret of lena'), 535)
  assert.deepEqual(await problems(server, 4), [
    'wrong-password',
    'wrong-password',
    'wrong-password',
    'blocked',
  ])
  server.clock.advance(15 * 60_000)
  assert.equal(await logIn(t, server, lena, 'secret of lena'), 235)
})

test('only members of the group', { skip }, async t => {
  const server = await start(t, { group: mailGroup })
  assert.equal(await logIn(t, server, lena, 'secret of lena'), 235)
  assert.equal(await logIn(t, server, oleg, 'secret of oleg'), 535)
  assert.equal(await rcpt(t, server, oleg), 550)
})

for (const [what, ldap, trusts] of [
  ['an authority that nobody has named', {}, 'nobody'],
  ['a wrong password of this server', { password: 'wrong' }],
  ['a base that there is not', { base: 'ou=nowhere,dc=here,dc=test' }],
  ['a group that there is not', { group: 'cn=nowhere,dc=here,dc=test' }],
] as const)
  test(`settings that do not fit (${what}): nobody is told that his password is wrong`, { skip }, async t => {
    const server = await start(t, ldap, {}, trusts)
    assert.equal(await logIn(t, server, lena, 'secret of lena'), 454)
    assert.equal(await rcpt(t, server, oleg), 451)
    assert.equal(await logIn(t, server, anna, 'secret'), 235)
  })

test('two entries with one address let neither in', { skip }, async t => {
  const server = await start(t)
  assert.equal(await logIn(t, server, 'twins@here.test', 'secret of twin1'), 454)
  assert.equal(await logIn(t, server, lena, 'secret of lena'), 235)
  assert.deepEqual(await accountsOf(server), { anna: false, lena: true })
})

test('what is made here goes before: an account and an alias of the same address', { skip }, async t => {
  const server = await start(t)
  const at = server.clock.now()
  await server.storage.run(createLocal, {
    address: address(oleg),
    name: '',
    ...(await storedPassword(server.storage, oleg, 'local', { random: systemRandom, at, scramHashes: [] })),
    language: 'en',
    enabled: true,
    at,
  })
  assert.equal(await logIn(t, server, oleg, 'secret of oleg'), 535)
  assert.equal(await logIn(t, server, oleg, 'local'), 235)
  await server.storage.run(createRedirection, {
    kind: 'alias',
    address: address('lena.smith@here.test'),
    name: '',
    targets: [address(anna)],
    at,
  })
  assert.equal(await logIn(t, server, lena, 'secret of lena'), 235)
  const [alias] = await server.storage.run(listRedirections, { kind: 'alias' })
  assert.deepEqual(alias?.targets, [address(anna)])
})

test('what changes in LDAP changes here: names, aliases, and whoever is gone', { skip }, async t => {
  const mira = 'mira@here.test'
  const dn = `uid=mira,${people}`
  await slapd.modify(
    `dn: ${dn}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: mira\ncn: Mira\nsn: M\nmail: ${mira}\nmail: mira.old@here.test\nuserPassword: secret of mira\n`,
  )
  const server = await start(t)
  assert.equal(await logIn(t, server, mira, 'secret of mira'), 235)
  assert.deepEqual(await aliasesOf(server), ['mira.old'])
  const at = server.clock.now()
  const secret = await storedAppPassword(server.storage, mira, 'kq7m-x3wp-9fht-n4rd', {
    random: systemRandom,
    at,
  })
  await server.storage.run(createAppPassword, {
    account: address(mira),
    name: 'phone',
    scopes: ['smtp'],
    at,
    ...secret,
  })
  assert.equal(await logIn(t, server, mira, 'kq7m-x3wp-9fht-n4rd'), 235)
  await slapd.modify(
    `dn: ${dn}\nchangetype: modify\nreplace: mail\nmail: ${mira}\nmail: mira.new@here.test\n-\nreplace: cn\ncn: Mira New\n-\nreplace: userPassword\nuserPassword: another\n`,
  )
  assert.equal(await logIn(t, server, mira, 'secret of mira'), 535)
  assert.equal(await logIn(t, server, mira, 'another'), 235)
  assert.deepEqual(await aliasesOf(server), ['mira.new'])
  assert.equal((await server.storage.run(findAccount, { address: address(mira) }))?.name, 'Mira New')
  await slapd.modify(`dn: ${dn}\nchangetype: delete\n`)
  assert.equal(await logIn(t, server, mira, 'another'), 535)
  assert.equal(await logIn(t, server, mira, 'kq7m-x3wp-9fht-n4rd'), 535)
  assert.deepEqual((await problems(server, 3)).slice(1), ['no-such-account', 'directory-gone'])
  // Her mail stays until somebody removes it.
  assert.equal(await rcpt(t, server, mira), 250)
  await server.storage.run(removeAccount, { address: address(mira), withContents: false })
  assert.deepEqual(await aliasesOf(server), [])
})

test('an account of LDAP with a password of its own is one of this server', { skip }, async t => {
  const server = await start(t)
  assert.equal(await logIn(t, server, lena, 'secret of lena'), 235)
  const at = server.clock.now()
  const own = await storedPassword(server.storage, lena, 'her own', {
    random: systemRandom,
    at,
    scramHashes: [],
  })
  await server.storage.run(changeAccount, { address: address(lena), ...own })
  assert.equal(await logIn(t, server, lena, 'her own'), 235)
  assert.equal(await logIn(t, server, lena, 'secret of lena'), 535)
  assert.deepEqual(await accountsOf(server), { anna: false, lena: false })
})

test('export and apply: accounts of LDAP go along, and a file that does not know them leaves them', {
  skip,
}, async t => {
  const server = await start(t)
  const { storage } = server
  const apply = async (text: string): Promise<string[]> => {
    const parsed = parseDocument(text)
    assert.ok(parsed.kind === 'document', JSON.stringify(parsed))
    const current = await storage.run(exportDirectory, undefined)
    const hashed = await hashPasswords(parsed.document, current, () => assert.fail('no password is new'))
    assert.ok(hashed.kind === 'document')
    const shown = compareDocuments(current, hashed.document)
    await storage.run(applyDocument, {
      document: hashed.document,
      shown,
      withContents: false,
      at: server.clock.now(),
    })
    return shown.map(({ action, address: whom }) => `${action} ${whom}`)
  }
  const before = formatDocument(await storage.run(exportDirectory, undefined))
  assert.equal(await logIn(t, server, lena, 'secret of lena'), 235)
  assert.deepEqual(await apply(before), [])
  assert.deepEqual(await accountsOf(server), { anna: false, lena: true })
  const exported = formatDocument(await storage.run(exportDirectory, undefined))
  assert.match(exported, /address = "lena@here\.test"\nname = "Lena of LDAP"\nlanguage = "en"\nldap = true\n/)
  await storage.run(removeAccount, { address: address(lena), withContents: false })
  assert.deepEqual(await apply(exported), ['add lena@here.test'])
  assert.equal(await logIn(t, server, lena, 'secret of lena'), 235)
  // Another alias of the same name than LDAP's.
  await apply(`${exported}\n[[alias]]\naddress = "lena.smith@here.test"\ntargets = ["anna@here.test"]\n`)
  const [alias] = await storage.run(listRedirections, { kind: 'alias' })
  assert.deepEqual(alias?.targets, [address(anna)])
})

test('a token of an OpenID provider for an account of LDAP: made when it is first needed, and gone when LDAP says so', {
  skip,
}, async t => {
  const provider = await startOpenIdProvider(t)
  const nora = 'nora@here.test'
  const dn = `uid=nora,${people}`
  await slapd.modify(
    `dn: ${dn}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: nora\ncn: Nora\nsn: N\nmail: ${nora}\nuserPassword: x\n`,
  )
  const server = await start(
    t,
    {},
    { openid: [{ issuer: provider.issuer, audience: [mailAudience] }] },
    'its authority',
    createManualClock(Date.now()),
  )
  const show = async (): Promise<number | undefined> => {
    const connection = await connect(t, server)
    const message = `n,,\x01auth=Bearer ${await provider.token({ email: nora })}\x01\x01`
    const reply = await connection.command(`AUTH OAUTHBEARER ${Buffer.from(message).toString('base64')}`)
    return reply?.code === 334 ? (await connection.command('AQ=='))?.code : reply?.code
  }
  assert.equal(await show(), 235)
  assert.equal((await accountsOf(server)).nora, true)
  await slapd.stop()
  try {
    assert.equal(await show(), 454)
  } finally {
    await slapd.startAgain()
  }
  await slapd.modify(`dn: ${dn}\nchangetype: delete\n`)
  server.clock.advance(5000)
  assert.equal(await show(), 535)
  assert.deepEqual(await problems(server, 2), ['directory-down', 'directory-gone'])
})

/** Of the settings file; the password stands in a file beside it. */
function ldapTable(): string {
  return [
    '[login.ldap]',
    `url = "${slapd.secureUrl}"`,
    `caFile = "${slapd.caFile}"`,
    `base = "${people}"`,
    `bindDn = "${searcher.dn}"`,
    'passwordFile = "ldap-password"',
  ].join('\n')
}

test('postrider check asks LDAP as the server would', { skip }, async t => {
  const at = await createServerFolder({
    tables: `[login]\nmechanisms = ["SCRAM-SHA-256", "PLAIN"]\n${ldapTable()}`,
  })
  t.after(() => at.remove())
  const look = async (password: string): Promise<string> => {
    await writeFile(join(at.folder, 'ldap-password'), `${password}\n`)
    return (await at.tryPostrider('check')).stdout
  }
  const right = await look(searcher.password)
  assert.match(right, /ok +log-ins: the LDAP server ldaps:\/\/localhost:\d+ can be asked/)
  assert.match(
    right,
    /warning +log-ins: login\.mechanisms has SCRAM-SHA-256, which cannot be used with passwords of LDAP/,
  )
  assert.match(
    await look('wrong'),
    /warning +log-ins: The LDAP server does not let cn=postrider,dc=here,dc=test in/,
  )
})

/** swaks speaks TLS through a Perl module that is a package of its own. */
async function missingForSwaks(): Promise<string | false> {
  const absent = missing('slapd', 'slapadd', 'swaks', 'perl')
  if (absent !== false) return absent
  const { exitCode } = await runProgram(['perl', '-MNet::SSLeay', '-e', '1'])
  return exitCode !== 0 && 'not installed: libnet-ssleay-perl (.ci/run installs it on Debian)'
}

test('swaks and msmtp log in by LDAP at the server as it is run', {
  skip: (await missingForSwaks()) || missing('msmtp'),
}, async t => {
  const at = await createServerFolder({
    tables: ldapTable(),
  })
  t.after(() => at.remove())
  await writeFile(join(at.folder, 'ldap-password'), `${searcher.password}\n`)
  await createAccount(at, 'boris@example.test', 'correct horse battery staple')
  await at.postrider('domain', 'create', 'here.test')
  const server = await startServer(at)
  t.after(() => server.stop())
  const swaks = (mechanism: string, password: string): Promise<ProgramResult> =>
    runProgram([
      'swaks',
      '--server=127.0.0.1',
      `--port=${server.port('submission')}`,
      '--tls',
      `--auth=${mechanism}`,
      `--auth-user=${lena}`,
      `--auth-password=${password}`,
      `--from=${lena}`,
      '--to=boris@example.test',
      `--header=Subject: by swaks with ${mechanism}`,
    ])
  for (const mechanism of ['PLAIN', 'LOGIN']) {
    const right = await swaks(mechanism, 'secret of lena')
    assert.equal(right.exitCode, 0, right.stdout + right.stderr + server.output())
    assert.match(await readMessage(at, 'boris@example.test', `by swaks with ${mechanism}`), /ESMTPSA/)
  }
  const wrong = await swaks('PLAIN', 'wrong')
  assert.notEqual(wrong.exitCode, 0)
  assert.match(wrong.stdout, /535 5\.7\.8/)
  const sent = await sendWithMsmtp(at, server, {
    from: oleg,
    to: lena,
    subject: 'from one to the other',
    logIn: ['auth plain', 'password "secret of oleg"'],
  })
  assert.equal(sent.exitCode, 0, sent.stdout + sent.stderr)
  assert.match(await readMessage(at, lena, 'from one to the other'), /Good day/)
})
