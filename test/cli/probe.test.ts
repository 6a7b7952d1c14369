// postrider probe: as far as delivery goes without a message.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { takeAllowance } from '../../src/queue/allowances.ts'
import { noteDestinationHealth } from '../../src/queue/destination-health.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { keepStsPolicy } from '../../src/tls-policy/operations.ts'
import { type PeerOptions, type RemotePeer, startPeer } from '../delivery/remote-peer.ts'
import { contextOf, issueCertificate } from '../harness/certificates.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { startServer } from '../smtp-server/start-server.ts'
import { makeServerFolder, type Ran, runHere, succeed } from './run-postrider.ts'

const zone = [
  'example.org MX 10 mx.example.org',
  'mx.example.org A 127.0.0.1',
  'two.example.org MX 10 mx.example.org',
  'two.example.org MX 20 mx2.example.org',
  'mx2.example.org A 127.0.0.2',
  'null.example.org MX 0 .',
  'bare.example.org TXT x',
]

async function open(
  context: TestContext,
  options: PeerOptions = {},
): Promise<{ folder: string; peer: RemotePeer }> {
  const folder = makeServerFolder(remove => context.after(remove))
  const dns = await startDnsServer(zone)
  const peer = await startPeer(options)
  context.after(() => Promise.all([dns.close(), peer.close()]))
  appendFileSync(
    `${folder}/postrider.toml`,
    `[delivery]\nport = ${peer.port}\ndnsServers = ["${dns.text}"]\n`,
  )
  await succeed(folder, 'domain', 'create', 'example.test')
  return { folder, peer }
}

async function probe(folder: string, ...parameters: readonly string[]): Promise<Ran> {
  return await runHere(folder, ['probe', ...parameters])
}

test('a recipient who is taken: each step is told, and nothing is sent', async context => {
  const { folder, peer } = await open(context)
  const ran = await probe(folder, 'boris@example.org')
  assert.deepEqual(ran, {
    exitCode: 0,
    stderr: '',
    stdout:
      'boris@example.org: not of this server; its mail goes to the mail host of its domain.\n' +
      'DNS: the DNS names for example.org: mx.example.org (127.0.0.1, preference 10).\n' +
      `Connection: mx.example.org at 127.0.0.1 port ${peer.port} answers.\n` +
      'Encryption: none: mx.example.org offers no STARTTLS. What is sent could be read on the way.\n' +
      'It offers: PIPELINING, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES.\n' +
      'Answer: "250 2.1.5 Ok" to the recipient, with mail from postmaster@example.test. Nothing was sent.\n' +
      'Result: mx.example.org would take a message, as far as it says before it has seen one.\n',
  })
  assert.deepEqual(peer.messages, [])
  assert.deepEqual(peer.commands, [
    'EHLO mail.example.test',
    'MAIL FROM:<postmaster@example.test>',
    'RCPT TO:<boris@example.org>',
    'RSET',
    'QUIT',
  ])
})

test('a recipient who is refused, and one who is put off: what would become of a message', async context => {
  const { folder } = await open(context, {
    script: command =>
      command.includes('nobody')
        ? '550 5.1.1 No such user'
        : command.includes('full')
          ? '452 4.2.2 Full'
          : undefined,
  })
  const refused = await probe(folder, 'nobody@example.org', '--from', '<>', '--dialogue')
  assert.equal(refused.exitCode, 1)
  assert.match(refused.stdout, /refused RCPT \[550 5\.1\.1 No such user\]\.\n/)
  assert.match(
    refused.stdout,
    /\nResult: a message would be refused for good, and its sender told, because there is no such address\. .* Nothing was sent\.\n/,
  )
  assert.match(
    refused.stdout,
    /\nC: MAIL FROM:<>\nS: 250 .*\nC: RCPT TO:<nobody@example\.org>\nS: 550 5\.1\.1 No such user\n/,
  )
  const full = await probe(folder, 'full@example.org')
  assert.equal(full.exitCode, 1)
  assert.match(
    full.stdout,
    /Result: a message would wait in the queue, and be tried again, because the mailbox of the recipient is full/,
  )
})

test('an address beyond ASCII, and a server that does not take any', async context => {
  const { folder, peer } = await open(context, { extensions: ['8BITMIME'] })
  const ran = await probe(folder, 'почта@example.org')
  assert.equal(ran.exitCode, 1)
  assert.match(
    ran.stdout,
    /^Answer: mx\.example\.org does not offer SMTPUTF8, without which the address почта@example\.org cannot be sent\.$/m,
  )
  assert.match(ran.stdout, /^Result: a message would be refused for good, .* lacks SMTPUTF8/m)
  const fromUtf8 = await probe(folder, 'boris@example.org', '--from', 'анна@example.test', '--json')
  assert.partialDeepStrictEqual(JSON.parse(fromUtf8.stdout), {
    accepted: false,
    verdict: { kind: 'failed', diagnosis: { cause: 'utf8-address', status: '5.6.7' } },
  })
  assert.deepEqual(peer.commands, ['EHLO mail.example.test', 'QUIT', 'EHLO mail.example.test', 'QUIT'])
})

test('an address beyond ASCII goes to the server of the domain that takes it', async context => {
  const { folder, peer } = await open(context, { extensions: [] })
  const second = await startPeer({ address: '127.0.0.2', port: peer.port, extensions: ['SMTPUTF8'] })
  context.after(() => second.close())
  const ran = await probe(folder, 'почта@two.example.org')
  assert.equal(ran.exitCode, 0, ran.stdout)
  assert.match(
    ran.stdout,
    /^Not by mx\.example\.org: mx\.example\.org does not offer SMTPUTF8, .*\nConnection: mx2\.example\.org at .* answers\.$/m,
  )
  assert.deepEqual(second.commands.slice(1, 3), [
    'MAIL FROM:<postmaster@example.test> SMTPUTF8',
    // The peer keeps octets.
    Buffer.from('RCPT TO:<почта@two.example.org>').toString('latin1'),
  ])
})

test('of mail hosts that do not answer each is told with its reason', async t => {
  const { folder, peer } = await open(t)
  await peer.close()
  const second = await startPeer({ address: '127.0.0.2', port: peer.port })
  t.after(() => second.close())
  const taken = await probe(folder, 'boris@two.example.org')
  assert.equal(taken.exitCode, 0, taken.stdout)
  const refused = `no connection to 127\\.0\\.0\\.1:${peer.port}: refused; .*`
  assert.match(
    taken.stdout,
    new RegExp(`^Not by mx\\.example\\.org: ${refused}\\nConnection: mx2\\.example\\.org`, 'm'),
  )
  await second.close()
  const dead = await probe(folder, 'boris@two.example.org')
  assert.equal(dead.exitCode, 1)
  // One of them is the answer, and the other one stands by itself.
  assert.equal(dead.stdout.match(/no connection to 127\.0\.0\.[12]:/g)?.length, 2, dead.stdout)
})

test('that a server gets its mail without TLS is told with the reason', async t => {
  const { folder, peer } = await open(t, {
    extensions: ['STARTTLS'],
    script: command => (command === 'STARTTLS' ? '454 4.7.0 Not today' : undefined),
  })
  const encryption = async (): Promise<string> =>
    /^Encryption: .*$/m.exec((await probe(folder, 'boris@example.org')).stdout)?.[0] ?? ''
  const read = 'What is sent could be read on the way.'
  assert.equal(
    await encryption(),
    `Encryption: none: mx.example.org offers STARTTLS, and refused it (454 4.7.0 Not today). ${read}`,
  )
  peer.script = command => (command === 'STARTTLS' ? '220 2.0.0 Ready\r\nthis is no TLS' : undefined)
  assert.match(
    await encryption(),
    /^Encryption: none: TLS was tried, and failed: mx\.example\.org does not speak SMTP/,
  )
  const { script } = peer
  peer.script = (command, session) =>
    command.startsWith('MAIL') ? '530 5.7.0 Must issue a STARTTLS command first' : script(command, session)
  const { stdout } = await probe(folder, 'boris@example.org')
  assert.match(stdout, /^Answer: .* refused MAIL, for there was no TLS: .* \[530 5\.7\.0 Must issue/m)
  assert.match(stdout, /^Result: a message would wait in the queue, and be tried again,/m)
  peer.script = script
  appendFileSync(`${folder}/postrider.toml`, 'tls = "never"\n')
  assert.equal(await encryption(), `Encryption: none: the settings want no TLS there. ${read}`)
})

test('what the receiver demands of TLS is told, with what came of it', async t => {
  const mx = 'mx.example.org'
  const own = await issueCertificate(undefined, [mx])
  const receiver = await startServer({
    hostname: mx,
    listeners: [{ role: 'relay', address: '127.0.0.1', port: 0 }],
    tls: { secureContext: () => contextOf(own) },
  })
  const key = own.x509.publicKey.export({ type: 'spki', format: 'der' })
  const tlsa = `_${receiver.port}._tcp.${mx} TLSA 3 1 1 ${createHash('sha256').update(key).digest('hex')}`
  const sts = '_mta-sts.two.example.org TXT v=STSv1; id=1;'
  const dns = await startDnsServer([...zone, tlsa, sts])
  t.after(() => Promise.all([receiver.server.close(), dns.close()]))
  const folder = makeServerFolder(remove => t.after(remove))
  const file = `${folder}/postrider.toml`
  appendFileSync(file, `[delivery]\nport = ${receiver.port}\ndnsServers = ["${dns.text}"]\n`)
  await succeed(folder, 'domain', 'create', 'example.test')
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  await storage.run(keepStsPolicy, {
    domain: 'two.example.org',
    policyId: '1',
    policy: { mode: 'testing', mx: [mx], maxAgeMs: 86_400_000 },
    at: Date.now(),
    isUsed: true,
  })
  await storage.close()
  const encryption = async (address: string): Promise<string> =>
    /^Encryption: .*$/m.exec((await probe(folder, address)).stdout)?.[0] ?? ''

  assert.match(
    await encryption('boris@two.example.org'),
    /; that is not as its MTA-STS policy demands, which is not in force yet: mx\.example\.org: .*\.$/,
  )
  appendFileSync(file, 'tls = "never"\n')
  assert.equal(
    await encryption('boris@two.example.org'),
    'Encryption: none: the settings want no TLS there; its MTA-STS policy demands TLS, but is not in force yet. What is sent could be read on the way.',
  )
  dns.sign('example.org')
  assert.match(
    await encryption('boris@example.org'),
    /^Encryption: TLSv1\.3 with \S+; the certificate of mx\.example\.org is as its DNS demands \(DANE\)\.$/,
  )
})

test('a smart host that takes it says nothing of the server of the recipient', async t => {
  const { folder, peer } = await open(t)
  appendFileSync(
    `${folder}/postrider.toml`,
    `[delivery.smartHost]\nhost = "127.0.0.1"\nport = ${peer.port}\ntls = "never"\n`,
  )
  assert.match(
    (await probe(folder, 'boris@nowhere.test')).stdout,
    /^Result: 127\.0\.0\.1 would take a message, .* Whether the server of the recipient takes it then, nobody has asked\.$/m,
  )
})

test('who waits for a slow server sees for what', async t => {
  const { folder, peer } = await open(t, {
    script: command => (command.startsWith('RCPT') ? 'silence' : undefined),
  })
  const clock = createManualClock()
  const stderr = new PassThrough({ encoding: 'utf8' })
  const ran = runHere(folder, ['probe', 'boris@example.org'], { clock, stderr })
  await peer.seen('RCPT')
  clock.advance(61_000)
  peer.answer('250 2.1.5 Ok')
  assert.equal((await ran).exitCode, 0)
  assert.equal(stderr.read(), '1 min: waiting for an answer; last: C: RCPT TO:<boris@example.org>\n')
})

test('a policy of MTA-STS that cannot be had is told, where DANE does not go before it', async t => {
  const certificate = await issueCertificate(undefined, ['localhost'])
  const { server, port } = await startServer({
    hostname: 'mx.example.org',
    tls: { secureContext: () => contextOf(certificate) },
  })
  t.after(() => server.close())
  const key = certificate.x509.publicKey.export({ type: 'spki', format: 'der' })
  const dns = await startDnsServer([
    'example.org MX 10 mx.example.org',
    'mx.example.org A 127.0.0.1',
    `_${port}._tcp.mx.example.org TLSA 3 1 1 ${createHash('sha256').update(key).digest('hex')}`,
    '_mta-sts.example.org TXT v=STSv1; id=1;',
    'mta-sts.example.org A 127.0.0.9', // nobody listens
  ])
  t.after(() => dns.close())
  const folder = makeServerFolder(remove => t.after(remove))
  appendFileSync(
    `${folder}/postrider.toml`,
    `[delivery]\nport = ${port}\ndnsServers = ["${dns.text}"]\nipv6 = false\n`,
  )
  await succeed(folder, 'domain', 'create', 'example.test')
  const { stdout: open } = await probe(folder, 'boris@example.org')
  assert.match(
    open,
    /^Encryption: TLSv1\.3 .* is not verified: .*; the MTA-STS policy that its domain announces cannot be had: mta-sts\.example\.org: refused; .*\.$/m,
  )
  dns.sign('example.org')
  const { stdout: signed } = await probe(folder, 'boris@example.org')
  assert.doesNotMatch(signed, /MTA-STS/)
})

test('the sender is of a domain of this server: of its host name only where that is one, or there is none', async context => {
  const { folder, peer } = await open(context)
  await succeed(folder, 'domain', 'create', 'mail.example.test')
  await probe(folder, 'boris@example.org')
  for (const domain of ['example.test', 'mail.example.test'])
    await succeed(folder, 'domain', 'remove', domain)
  await probe(folder, 'boris@example.org')
  const senders = peer.commands.filter(line => line.startsWith('MAIL'))
  assert.deepEqual(senders, Array(2).fill('MAIL FROM:<postmaster@mail.example.test>'))
})

test('a server that does not answer, and domains that take no mail', async context => {
  const { folder, peer } = await open(context)
  await peer.close()
  const dead = await probe(folder, 'boris@example.org')
  assert.equal(dead.exitCode, 1)
  assert.match(
    dead.stdout,
    /Result: a message would wait in the queue, .* because nothing listens at the other server/,
  )
  const nullMx = await probe(folder, 'boris@null.example.org')
  assert.equal(nullMx.exitCode, 1)
  assert.match(
    nullMx.stdout,
    /^DNS: null\.example\.org says in the DNS that it takes no mail \(null MX\)\.$/m,
  )
  const unknown = await probe(folder, 'boris@nowhere.test')
  assert.match(unknown.stdout, /^DNS: the domain nowhere\.test does not exist\.$/m)
})

test('an address of this server: where its mail goes', async context => {
  const { folder, peer } = await open(context)
  await succeed(folder, 'alias', 'create', 'sales@example.test', 'boris@example.org')
  await succeed(folder, 'alias', 'create', 'info@example.test', 'sales@example.test')
  const own = await probe(folder, 'info@example.test')
  assert.deepEqual(
    [own.exitCode, own.stdout],
    [
      0,
      'info@example.test: an alias of this server, which leads to sales@example.test.\n' +
        '  sales@example.test: an alias of this server, which leads to boris@example.org.\n' +
        '    boris@example.org: not of this server; its mail goes to the mail host of its domain.\n' +
        'Result: this server would take a message. Whether it is taken where it goes on to, "postrider probe boris@example.org" finds out. Nothing was sent.\n',
    ],
  )
  assert.equal(peer.connections, 0)
  const nobody = await probe(folder, 'nobody@example.test')
  assert.equal(nobody.exitCode, 1)
  assert.match(nobody.stdout, /nobody@example\.test: nowhere: the domain is ours and has no such address/)
})

test('for programs: what was found, and the verdict', async context => {
  const { folder, peer } = await open(context)
  const ran = await probe(folder, 'boris@example.org', '--json')
  assert.partialDeepStrictEqual(JSON.parse(ran.stdout), {
    recipient: 'boris@example.org',
    sender: 'postmaster@example.test',
    accepted: true,
    lookup: { by: 'mx', name: 'example.org' },
    server: { host: 'mx.example.org', address: '127.0.0.1', port: peer.port },
    tls: null,
    verdict: { kind: 'accepted', reply: { code: 250 } },
  })
})

const pools = `
[[delivery.sourcePools]]
name = "news"
senders = ["news@example.test"]
[[delivery.sourcePools.sources]]
address = "127.0.0.11"
heloName = "out1.example.test"

[[delivery.sourcePools]]
name = "rest"
[[delivery.sourcePools.sources]]
address = "127.0.0.12"
`

test('it connects from an address from which such mail leaves, or from the one that is named', async context => {
  const { folder, peer } = await open(context)
  appendFileSync(`${folder}/postrider.toml`, pools)
  const news = await probe(folder, 'boris@example.org', '--from', 'news@example.test')
  assert.match(news.stdout, /^Source: this server connects from 127\.0\.0\.11\.$/m)
  assert.equal(peer.commands[0], 'EHLO out1.example.test')
  const other = await probe(folder, 'boris@example.org', '--json')
  assert.partialDeepStrictEqual(JSON.parse(other.stdout), { source: '127.0.0.12' })
  await probe(folder, 'boris@example.org', '--source', '127.0.0.11')
  assert.deepEqual(peer.clients, ['127.0.0.11', '127.0.0.12', '127.0.0.11'])
  const wrong = await probe(folder, 'boris@example.org', '--source', '127.0.0.13')
  assert.match(wrong.stderr, /No pool of delivery\.sourcePools has the address 127\.0\.0\.13/)
})

test('what at this server would keep a message is told, for each sender', async context => {
  const { folder } = await open(context)
  await succeed(folder, 'account', 'create', 'anna@example.test')
  await succeed(folder, 'account', 'hold', 'anna@example.test', '--reason', 'asked her')
  await succeed(folder, 'suppression', 'add', 'boris@example.org', '--reason', 'by-hand', '--mail', 'all')
  await succeed(
    folder,
    'suppression',
    'add',
    'vera@example.org',
    '--reason',
    'unsubscribed',
    '--mail',
    'bulk',
  )
  const fromAnna = await probe(folder, 'boris@example.org', '--from', 'anna@example.test')
  assert.equal(fromAnna.exitCode, 1)
  assert.match(fromAnna.stdout, /^At this server: The account anna@example\.test is on hold: asked her\. /m)
  assert.match(
    fromAnna.stdout,
    /^At this server: It would fail here, not sent: boris@example\.org is on the suppression list since .*"postrider suppression remove boris@example\.org" takes it off\.$/m,
  )
  const ofMassMail = await probe(folder, 'vera@example.org')
  assert.equal(ofMassMail.exitCode, 0, 'other mail goes')
  assert.match(ofMassMail.stdout, /^At this server: Mass mail would fail here, not sent: vera@example\.org /m)

  appendFileSync(
    `${folder}/postrider.toml`,
    '[[delivery.limits]]\nmatch = ["mx2.example.org"]\nperHour = 1\n[queue]\nhold = true\n',
  )
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  const now = Date.now()
  await storage.run(noteDestinationHealth, {
    destination: 'mx.example.org',
    health: JSON.stringify({
      closure: {
        reason: 'suspended',
        until: now + 3_600_000,
        diagnosis: {
          stage: 'mail',
          cause: 'blocklist',
          status: '5.7.1',
          reply: { code: 554, lines: ['Listed'] },
          detail: 'mx.example.org refused MAIL',
        },
      },
      times: { suspended: 1 },
    }),
    now,
  })
  const gate = 'destination mx.example.org mx2.example.org'
  const limits = [{ most: 1, spanMs: 3_600_000 }]
  await storage.run(takeAllowance, { allowance: gate, limits, wanted: 1, now })
  await storage.close()
  const closed = await probe(folder, 'olga@example.org')
  assert.equal(closed.exitCode, 1)
  assert.match(closed.stdout, /^At this server: New mail is held here \(queue\.hold\)/m)
  assert.match(
    closed.stdout,
    /^At this server: It would stand in line for mx\.example\.org, which wants no mail from this server \(.*Listed\]\)\. Nothing goes there until /m,
  )
  const usedUp = JSON.parse((await probe(folder, 'olga@two.example.org', '--json')).stdout) as unknown
  assert.partialDeepStrictEqual(usedUp, {
    accepted: true,
    obstacles: [
      { kind: 'held', account: null },
      {
        kind: 'closed',
        gate: { of: 'destination', closed: { reason: 'limit', limit: { most: 1, inSeconds: 3600 } } },
      },
    ],
  })
})
