// `postrider check`: what it finds in set-ups that are wrong, and that it finds nothing in one that is right.
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type CheckOptions, type CheckResult, runCheck } from '../../src/config/check.ts'
import type { NameLookup } from '../../src/config/checks/check-names.ts'
import { parseSettings } from '../../src/config/load-settings.ts'
import { formatScannerEndpoint } from '../../src/scanner/exchange.ts'
import { generateCertificate } from '../../src/tls/generate-certificate.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { startOpenIdProvider } from '../harness/openid-provider.ts'
import { startOneAnswer } from '../scanner/fake-scanner.ts'
import { temporaryFolder } from './temporary-folder.ts'

const day = 86_400_000
const clock = createManualClock()
const listener = '[[listeners]]\nrole = "relay"\naddress = "127.0.0.1"\nport = 0\n'

interface Zone {
  readonly a?: readonly string[]
  readonly ptr?: readonly string[]
  readonly mx?: readonly string[]
  readonly silent?: true
  /** The addresses of other names. */
  readonly others?: Readonly<Record<string, readonly string[]>>
}

const noSuchRecord = (): Promise<never> =>
  Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }))

/** Answers from one zone: the name server is not ours, so the test plays it. */
function zoneLookup({ a, ptr, mx, silent, others }: Zone): NameLookup {
  const answer = <Item>(records: readonly Item[] | undefined): Promise<Item[]> => {
    if (silent) return Promise.reject(Object.assign(new Error('silence'), { code: 'ETIMEOUT' }))
    return records ? Promise.resolve([...records]) : noSuchRecord()
  }
  return {
    resolve4: name => (name === 'mail.example.com' ? answer(a) : answer(others?.[name])),
    resolve6: noSuchRecord,
    resolveMx: () => answer(mx?.map(exchange => ({ exchange, priority: 10 }))),
    reverse: () => answer(ptr),
  }
}

const ownAddress = (): string => networkInterfaces()['lo']?.[0]?.address ?? '127.0.0.1'

const goodZone = (): Zone => ({ a: [ownAddress()], ptr: ['mail.example.com'], mx: ['mail.example.com'] })

async function check(
  context: TestContext,
  text: string,
  { zone = goodZone(), ...options }: Partial<CheckOptions> & { zone?: Zone } = {},
): Promise<CheckResult & { folder: string }> {
  const folder = temporaryFolder(context)
  const settings = parseSettings(`hostname = "mail.example.com"\n${text}`, join(folder, 'postrider.toml'))
  return { ...(await runCheck({ settings, clock, lookup: zoneLookup(zone), ...options })), folder }
}

/** 'error listeners', 'warning certificate' … of what is not all right. */
const complaints = ({ findings }: CheckResult): string[] =>
  findings
    .filter(({ severity }) => severity !== 'ok')
    .map(({ severity, subject }) => `${severity} ${subject}`)

async function writeCertificate(folder: string, hostname: string, madeAt: number): Promise<string> {
  const { certificatePem, keyPem } = await generateCertificate({ hostname }, madeAt)
  writeFileSync(join(folder, 'c.pem'), certificatePem)
  writeFileSync(join(folder, 'k.pem'), keyPem, { mode: 0o600 })
  return `[tls]\ncertificateFile = "${join(folder, 'c.pem')}"\nkeyFile = "${join(folder, 'k.pem')}"\n`
}

test('a set-up that is right: nothing is wrong, exit code 0', async context => {
  const tls = await writeCertificate(temporaryFolder(context), 'mail.example.com', clock.now())
  const result = await check(context, `[limits]\nmaxConnections = 100\n${listener}${tls}`)
  assert.deepEqual(complaints(result), [], result.text)
  assert.equal(result.exitCode, 0)
  assert.match(result.text, /Nothing is wrong\.$/)
})

test('a settings file with mistakes: they are the finding', async context => {
  const file = join(temporaryFolder(context), 'postrider.toml')
  writeFileSync(file, 'hostnme = "mail.example.com"\n')
  const result = await runCheck({ settings: file, clock })
  assert.equal(result.exitCode, 1)
  assert.match(result.text, /Did you mean "hostname"/)
  assert.match(result.text, /Mend: {2}Correct each of these places in the file/)
})

test('a settings file that is not there has no places to correct', async context => {
  const file = join(temporaryFolder(context), 'postrider.toml')
  const { text, exitCode, mistakes } = await runCheck({ settings: file, clock })
  assert.equal(exitCode, 1)
  assert.deepEqual(mistakes, [])
  assert.match(text, /ERROR {4}settings: .*postrider\.toml: There is no such file\.\n/)
  assert.match(text, /Mend: {2}Write one with "postrider init", or name yours with --settings\./)
  assert.doesNotMatch(text, /Correct each/)
})

test('secrets that every user of this machine may read', async context => {
  const folder = temporaryFolder(context)
  const tls = await writeCertificate(folder, 'mail.example.com', clock.now())
  const password = join(folder, 'password')
  writeFileSync(password, 'secret\n')
  const file = join(folder, 'postrider.toml')
  const smartHost = '[delivery.smartHost]\nhost = "smart.example.com"\nport = 587\nusername = "a"\n'
  const openFiles = async (text: string): Promise<string[]> => {
    writeFileSync(file, `hostname = "mail.example.com"\n${text}`)
    for (const name of ['k.pem', 'password', 'postrider.toml']) chmodSync(join(folder, name), 0o644)
    const { findings } = await runCheck({ settings: file, clock, lookup: zoneLookup(goodZone()) })
    return findings.filter(({ subject }) => subject === 'secrets').map(({ what }) => what)
  }
  const warning = (name: string, holds: string): string =>
    `${join(folder, name)} holds ${holds}, and every user of this machine may read it.`
  const inFile = `${listener}${smartHost}passwordFile = "${password}"\n${tls}`
  // Whoever cannot enter the folder reads nothing in it.
  assert.deepEqual(await openFiles(inFile), [])
  chmodSync(folder, 0o755)
  assert.deepEqual(await openFiles(inFile), [
    warning('password', 'a password'),
    warning('k.pem', 'the private key'),
  ])
  const inSettings = [warning('postrider.toml', 'a password')]
  assert.deepEqual(await openFiles(`${listener}${smartHost}password = "secret"\n`), inSettings)
  const ldap = `${listener}[login.ldap]\nurl = "ldap://127.0.0.1:1"\nbase = "dc=x"\nbindDn = "cn=x,dc=x"\n`
  assert.deepEqual(await openFiles(`${ldap}password = "secret"\n`), inSettings)
  assert.deepEqual(await openFiles(`${ldap}passwordFile = "${password}"\n`), [
    warning('password', 'a password'),
  ])
  const storage = 'storage = "postgres://postrider:secret@127.0.0.1:1/postrider"\n'
  assert.deepEqual(await openFiles(storage + listener), inSettings)
  assert.deepEqual(await openFiles('storage = "postgres://postrider@127.0.0.1:1/postrider"\n' + listener), [])
})

test('a hook file that does not run: the place in it', async context => {
  const folder = temporaryFolder(context)
  const file = join(folder, 'hooks.ts')
  const text = `${listener}[hooks]\nfile = ${JSON.stringify(file)}\n`
  writeFileSync(file, 'export const mail = () => undefined\n')
  assert.ok(
    (await check(context, text)).findings.some(({ subject, what }) => subject === 'hooks' && what === file),
  )
  chmodSync(file, 0o666)
  assert.ok(
    (await check(context, text)).findings.some(({ what }) =>
      what.startsWith('every user of this machine may write'),
    ),
  )
  chmodSync(file, 0o644)
  writeFileSync(file, '\nexport function mail() {\n')
  const { findings } = await check(context, text)
  const finding = findings.find(({ subject }) => subject === 'hooks')
  assert.equal(finding?.severity, 'warning')
  assert.ok(finding.what.startsWith(`the hook file cannot be used: ${file}:2: SyntaxError: `), finding.what)
})

test('a port that another program has, and two listeners that exclude each other', async context => {
  const other = createServer()
  await new Promise<void>(resolve => {
    other.listen(0, '127.0.0.1', resolve)
  })
  context.after(() => other.close())
  const { port } = other.address() as AddressInfo
  const taken = `[[listeners]]\nrole = "relay"\naddress = "127.0.0.1"\nport = ${port}\n`
  const result = await check(context, taken)
  assert.ok(complaints(result).includes('error listeners'))
  assert.match(result.text, /Mend: {2}Who it is: {2}ss -ltnp/)
  assert.equal(result.exitCode, 1)
  // The server itself may hold it.
  assert.ok(
    !complaints(await check(context, taken, { isRunning: () => Promise.resolve(true) })).includes(
      'error listeners',
    ),
  )
})

test('with a smart host nobody looks at our PTR record; and it is not to be this server', async context => {
  const zone: Zone = {
    a: [ownAddress()],
    mx: ['mail.example.com'],
    others: { 'me.example.com': ['127.0.0.1'] },
  }
  const smartHost = (host: string, port: number): string =>
    `[[listeners]]\nrole = "relay"\naddress = "127.0.0.1"\nport = 2525\n[delivery.smartHost]\nhost = "${host}"\nport = ${port}\n`
  const isRunning = (): Promise<boolean> => Promise.resolve(true)
  assert.match((await check(context, listener, { zone, isRunning })).text, /the PTR record of .* is missing/)
  const other = await check(context, smartHost('smart.example.net', 2525), { zone, isRunning })
  assert.doesNotMatch(other.text, /PTR/)
  assert.equal(other.exitCode, 0, other.text)
  const elsewhere = await check(context, smartHost('127.0.0.1', 2526), { zone, isRunning })
  assert.equal(elsewhere.exitCode, 0, elsewhere.text)
  const limit = (match: string): string => `[[delivery.limits]]\nmatch = ["${match}"]\nperDay = 500\n`
  for (const [match, isIdle] of [
    ['smart.example.net', false],
    ['.example.net', false],
    ['example.org', true],
  ] as const) {
    const limited = `${smartHost('smart.example.net', 2525)}${limit(match)}`
    const { text } = await check(context, limited, { zone, isRunning })
    assert.equal(/delivery\.limits for .* does not mean the smart host/.test(text), isIdle, text)
  }
  for (const host of ['127.0.0.1', 'me.example.com']) {
    const own = await check(context, smartHost(host, 2525), { zone, isRunning })
    assert.match(own.text, /ERROR {4}smart host: .* and that is this server itself\./)
    assert.equal(own.exitCode, 1)
  }
})

test('a database that is not there: what to do about it stands where it is looked for', async context => {
  for (const [host, mend] of [
    ['127.0.0.1:1', /Mend: {2}Start it there, or correct host and port in the address of the database/],
    ['database.invalid', /Mend: {2}Correct the host in the address of the database/],
  ] as const) {
    const { text } = await check(context, `storage = "postgres://postrider@${host}/postrider"\n${listener}`)
    assert.match(text, mend)
    assert.doesNotMatch(text, /See above/)
  }
})

test('addresses to send from: one that this machine has, and one that it has not', async context => {
  const pool = (address: string): string =>
    `[[delivery.sourcePools]]\nname = "news"\n[[delivery.sourcePools.sources]]\naddress = "${address}"\n`
  const right = await check(context, listener + pool('127.0.0.9'))
  assert.match(right.text, /ok {7}source addresses: this machine has all 1/)
  const wrong = await check(context, listener + pool('192.0.2.9'))
  assert.equal(wrong.exitCode, 1)
  assert.match(wrong.text, /ERROR {4}source addresses: this machine has no address 192\.0\.2\.9/)
  assert.match(wrong.text, /ip addr/)
})

test('certificates: none, for another name, about to end, over', async context => {
  const folder = temporaryFolder(context)
  const ten = 3650 * day
  assert.ok(complaints(await check(context, listener)).includes('warning certificate'))
  const other = await check(
    context,
    listener + (await writeCertificate(folder, 'other.example.com', clock.now())),
  )
  assert.match(other.text, /is for other\.example\.com, not for mail\.example\.com/)
  const soon = await check(
    context,
    listener + (await writeCertificate(folder, 'mail.example.com', clock.now() - ten + 5 * day)),
  )
  assert.match(soon.text, /ends in 5 days/)
  const over = await check(
    context,
    listener + (await writeCertificate(folder, 'mail.example.com', clock.now() - ten - day)),
  )
  assert.ok(complaints(over).includes('error certificate'))
  assert.match(over.text, /Mend: {2}Renew it; or remove it from the settings/)
  assert.equal(over.exitCode, 1)
})

test('settings that make an open relay', async context => {
  const everybody = await check(context, `localNetworks = ["0.0.0.0/0"]\n${listener}`)
  assert.match(everybody.text, /localNetworks has 0\.0\.0\.0\/0, but it takes in a good part of the Internet/)
  assert.equal(everybody.exitCode, 1)
  for (const network of ['::/0', '8.0.0.0/8', '2000::/3']) {
    assert.ok(
      complaints(await check(context, `localNetworks = ["${network}"]\n${listener}`)).includes(
        'error relaying',
      ),
      network,
    )
  }
  for (const network of ['10.0.0.0/8', '192.0.2.0/24', 'fd00::/8', '203.0.113.7']) {
    const found = complaints(await check(context, `localNetworks = ["${network}"]\n${listener}`))
    assert.ok(!found.some(complaint => complaint.endsWith('relaying')), network)
  }
  assert.match(
    (await check(context, `${listener}proxyFrom = ["0.0.0.0/0"]\n`)).text,
    /more than load balancers/,
  )
})

test('passwords that others could read on their way', async context => {
  const smartHost =
    '[delivery.smartHost]\nhost = "smtp.example.net"\nusername = "anna"\npassword = "secret"\n'
  assert.match((await check(context, `${listener}${smartHost}tls = "never"\n`)).text, /gets the password/)
  assert.match(
    (await check(context, `${listener}${smartHost}verifyCertificate = false\n`)).text,
    /gets the password/,
  )
  assert.ok(!complaints(await check(context, listener + smartHost)).includes('warning relaying'))
  assert.match(
    (await check(context, `${listener}[submission]\nsenderAddress = "any"\n`)).text,
    /may send as everybody else/,
  )
})

test('names that lead nowhere, elsewhere, or not back', async context => {
  const said = async (zone: Zone): Promise<string> => (await check(context, listener, { zone })).text
  assert.match(await said({}), /mail\.example\.com has no A or AAAA record/)
  assert.match(await said({ ...goodZone(), a: ['192.0.2.1'] }), /this machine has none of these addresses/)
  assert.match(
    await said({ ...goodZone(), ptr: ['host-1.provider.example'] }),
    /PTR record of .* is host-1\.provider\.example, not/,
  )
  assert.match(await said({ silent: true }), /the DNS servers do not answer/)
})

test('a domain whose MX records do not lead here', async context => {
  const folder = temporaryFolder(context)
  // A database is there, so the directory is asked.
  writeFileSync(join(folder, 'postrider.sqlite'), '')
  const said = async (zone: Partial<Zone>, domain = 'example.com'): Promise<string> => {
    const { text } = await check(context, `dataFolder = "${folder}"\n${listener}`, {
      zone: { ...goodZone(), ...zone },
      readDomains: () => Promise.resolve([{ name: domain, hasPostmaster: true, hasAddresses: true }]),
    })
    return text
  }
  assert.match(
    await said({ mx: ['mx.elsewhere.example'], others: { 'mx.elsewhere.example': ['192.0.2.77'] } }),
    /MX records of example\.com lead to mx\.elsewhere\.example; none leads to this server, mail\.example\.com\./,
  )
  assert.match(await said({ mx: [] }), /names: example\.com has no MX record\./)
  assert.match(await said({ mx: [''] }), /example\.com says in the DNS that it takes no mail/)
  // Another name with the same address is this server all the same.
  assert.doesNotMatch(
    await said({ mx: ['mx.example.com'], others: { 'mx.example.com': [ownAddress()] } }),
    /MX/,
  )
  // People read U-labels; what goes into the DNS has A-labels.
  const cyrillic = await said({ mx: [] }, 'xn--e1afmkfd.xn--p1ai')
  assert.match(cyrillic, /names: пример\.рф has no MX record\.\n +Costs: Mail for @пример\.рф/)
  assert.match(cyrillic, /Publish: xn--e1afmkfd\.xn--p1ai\. IN MX 10 mail\.example\.com\.$/m)
})

test('a data folder that is open to others, or no folder', async context => {
  const folder = temporaryFolder(context)
  mkdirSync(join(folder, 'open'))
  chmodSync(join(folder, 'open'), 0o755)
  writeFileSync(join(folder, 'file'), '')
  const open = await check(context, `dataFolder = "${join(folder, 'open')}"\n${listener}`)
  assert.match(open.text, /open to other users of this machine \(mode 755\)/)
  const file = await check(context, `dataFolder = "${join(folder, 'file')}"\n${listener}`)
  assert.match(file.text, /is not a folder/)
  assert.equal(file.exitCode, 1)
  const through = await check(context, `dataFolder = "${join(folder, 'file', 'data')}"\n${listener}`)
  assert.match(through.text, /file is not a folder/)
  const nowhere = await check(context, `dataFolder = "/proc/foo"\n${listener}`)
  assert.match(nowhere.text, /(?:Nothing can be written into \/proc|\/proc cannot be written by this user)\./)
  assert.equal(nowhere.exitCode, 1)
})

test('looking makes nothing', async context => {
  const { folder } = await check(context, listener, {
    readDomains: () => assert.fail('there is no database to read'),
  })
  assert.ok(!existsSync(join(folder, 'postrider-data')))
})

test('scanners: each is asked whether it is there, as its protocol has it', async context => {
  const answers = {
    clamav: ['zPING\0', 'PONG\0'],
    rspamd: ['GET /ping HTTP/1.0', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npong\r\n'],
    spamassassin: ['PING SPAMC/1.2', 'SPAMD/1.5 0 PONG\r\n'],
    milter: ['', ''],
  }
  for (const [kind, [asked = '', answer = '']] of Object.entries(answers)) {
    const { endpoint } = await startOneAnswer(context, answer, all => all.includes(asked))
    const scanner = `[[scanners]]\nkind = "${kind}"\nat = "${formatScannerEndpoint(endpoint)}"\n`
    const right = await check(context, `${listener}${scanner}`)
    assert.doesNotMatch(complaints(right).join(), /scanners/, right.text)
    assert.match(right.text, /ok {7}scanners: /)
    if (kind === 'milter') continue
    const other = await startOneAnswer(context, 'HTTP/1.1 400 Bad Request\r\n\r\n\0')
    const wrong = `[[scanners]]\nkind = "${kind}"\nat = "${formatScannerEndpoint(other.endpoint)}"\n`
    assert.match((await check(context, `${listener}${wrong}`)).text, /the right kind of scanner/)
  }
})

test('scanners that are away: what that costs', async context => {
  const socket = join(temporaryFolder(context), 'none.sock')
  const scanners = [
    '[[scanners]]\nkind = "clamav"\nat = "127.0.0.1:1"',
    '[[scanners]]\nkind = "rspamd"\nat = "127.0.0.1:1"',
    `[[scanners]]\nkind = "milter"\nat = "${socket}"\nwhenDown = "defer"`,
    '[[scanners]]\nkind = "http"\nurl = "http://127.0.0.1:1/verdict"',
  ].join('\n')
  const { text, findings, exitCode } = await check(context, `${listener}${scanners}`)
  const away = findings.filter(({ subject }) => subject === 'scanners')
  assert.deepEqual(
    away.map(({ severity, cost }) => [severity, cost.includes('(451)')]),
    [
      ['warning', true],
      ['warning', false],
      ['warning', true],
      ['warning', false],
    ],
    text,
  )
  assert.match(text, /scanners: The scanner clamd at 127\.0\.0\.1:1 gave no answer: refused; nothing listens/)
  assert.equal(exitCode, 0)
})

test('an OpenID provider that does not answer, or is another', async context => {
  const provider = await startOpenIdProvider(context)
  const openid = (issuer: string): string =>
    `${listener}[[login.openid]]\nissuer = "${issuer}"\naudience = ["mail"]\n`
  const said = async (issuer: string): Promise<readonly string[]> => {
    const { findings } = await check(context, openid(issuer))
    return findings
      .filter(({ subject }) => subject === 'log-ins')
      .map(({ severity, what }) => `${severity}: ${what}`)
  }
  assert.deepEqual(await said(provider.issuer), [`ok: the OpenID provider ${provider.issuer} gives its keys`])
  assert.match(
    (await said(`${provider.issuer}/realms/main`))[0] ?? '',
    /^warning: .* answered with the HTTP status 404/,
  )
  assert.match(
    (await said(provider.issuer.replace('127.0.0.1', 'localhost')))[0] ?? '',
    /^warning: .* answered with another issuer: http:\/\/127\.0\.0\.1/,
  )
  await provider.stop()
  assert.match((await said(provider.issuer))[0] ?? '', /^warning: .* gave no answer: refused/)
})
