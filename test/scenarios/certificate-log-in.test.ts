// Logging in to the composed server with a certificate (EXTERNAL), over STARTTLS and TLS from the first byte: whose certificate lets
// in as whom, and what the others can still do.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { awaitEvents } from '../harness/await-events.ts'
import { issueCertificate, makeAuthority, type TestCertificate } from '../harness/certificates.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { logInPlain, openSession, openTlsSession } from '../harness/log-in.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import type { RawConnection } from '../harness/raw-connection.ts'

const anna = 'anna@here.test'
const dayMs = 86_400_000

const authority = await makeAuthority('clients of here')
const intermediate = await makeAuthority('issuer of here', { issuer: authority })
const stranger = await makeAuthority('a stranger')
const annas = await issueCertificate(authority, [], { addresses: [anna] })

async function start(
  t: TestContext,
  certificates: Readonly<Record<string, unknown>> = {},
): Promise<ComposedServer> {
  return await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }, { address: 'boris@here.test' }, { address: 'scanner@here.test' }],
    // Certificates are of the second in which they are made.
    clock: createManualClock(Date.now() + 60_000),
    settings: { login: { certificates: { caFile: 'authority.pem', ...certificates } } },
    complete: settings => {
      const { certificates: set } = settings.login
      const caPem = authority.certificate
      return { ...settings, login: { ...settings.login, certificates: set && { ...set, caPem } } }
    },
  })
}

const showing = (own: TestCertificate, ...others: readonly TestCertificate[]): ConnectionOptions => ({
  key: own.key,
  cert: [own, ...others].map(({ certificate }) => certificate).join('\n'),
})

async function connect(
  t: TestContext,
  server: ComposedServer,
  options: ConnectionOptions = {},
  role: 'relay' | 'submission' = 'submission',
): Promise<RawConnection> {
  const connection = await openTlsSession(server.port(role), options)
  t.after(() => connection.destroy())
  return connection
}

const encode = (text: string): string => (text === '' ? '=' : Buffer.from(text).toString('base64'))

async function logIn(
  t: TestContext,
  server: ComposedServer,
  options: ConnectionOptions,
  identity = '',
): Promise<number | undefined> {
  const connection = await connect(t, server, options)
  return (await connection.command(`AUTH EXTERNAL ${encode(identity)}`))?.code
}

async function offered(connection: RawConnection): Promise<string | undefined> {
  const hello = await connection.command('EHLO client.example.org')
  return hello?.lines.find(line => line.startsWith('AUTH '))
}

test('a certificate with an address lets its account in, with and without saying so', async t => {
  const server = await start(t)
  assert.equal(await logIn(t, server, showing(annas)), 235)
  assert.equal(await logIn(t, server, showing(annas), anna), 235)
  assert.equal(await logIn(t, server, showing(annas), 'ANNA@here.test'), 235)
  const connection = await connect(t, server, showing(annas))
  assert.match((await offered(connection)) ?? '', /^AUTH EXTERNAL SCRAM-SHA-256-PLUS .*LOGIN$/)
  // RFC 4954 §4: without an initial response it is asked for, and nothing is an answer.
  assert.equal((await connection.command('AUTH EXTERNAL'))?.code, 334)
  assert.equal((await connection.command(''))?.code, 235)
  assert.equal((await connection.command(`MAIL FROM:<${anna}>`))?.code, 250)
})

test('a certificate that an issuer of the authority has given out', async t => {
  const server = await start(t)
  const own = await issueCertificate(intermediate, [], { addresses: [anna] })
  assert.equal(await logIn(t, server, showing(own, intermediate)), 235)
  assert.equal(await logIn(t, server, showing(own)), 504)
})

test('TLS from the first byte', async t => {
  const server = await start(t)
  const socket = connectTls({
    port: server.port('submissions'),
    rejectUnauthorized: false,
    ...showing(annas),
  })
  t.after(() => socket.destroy())
  const lines = readLines(socket)
  await lines.until('220')
  socket.write('EHLO client.example.org\r\n')
  assert.match(await lines.until('250 HELP'), /AUTH EXTERNAL /)
  socket.write('AUTH EXTERNAL =\r\n')
  await lines.until('235')
})

function readLines(socket: TLSSocket): { until(text: string): Promise<string> } {
  let said = ''
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()))
  return {
    async until(text) {
      while (!said.includes(text)) await once(socket, 'data')
      const found = said
      said = ''
      return found
    },
  }
}

for (const [what, problem, make] of [
  ['none', 'certificate-missing', async () => ({})],
  [
    'one of another authority',
    'certificate-untrusted',
    async () => showing(await issueCertificate(stranger, [], { addresses: [anna] })),
  ],
  [
    'one that it has made itself',
    'certificate-untrusted',
    async () => showing(await issueCertificate(undefined, [], { addresses: [anna] })),
  ],
  [
    'one that is over',
    'certificate-expired',
    async () =>
      showing(
        await issueCertificate(authority, [], {
          addresses: [anna],
          notBefore: new Date(Date.now() - 2 * dayMs),
          notAfter: new Date(Date.now() - dayMs),
        }),
      ),
  ],
  [
    'one that is yet to come',
    'certificate-expired',
    async () =>
      showing(
        await issueCertificate(authority, [], {
          addresses: [anna],
          notBefore: new Date(Date.now() + dayMs),
          notAfter: new Date(Date.now() + 2 * dayMs),
        }),
      ),
  ],
] as const)
  test(`a client that shows ${what} is not offered EXTERNAL, and its password is as good as ever`, async t => {
    const server = await start(t)
    const connection = await connect(t, server, await make())
    assert.doesNotMatch((await offered(connection)) ?? '', /EXTERNAL/)
    assert.equal((await connection.command(`AUTH EXTERNAL ${encode(anna)}`))?.code, 504)
    assert.equal(await logInPlain(connection, anna, 'secret'), 235)
    const [refused] = await awaitEvents(server, 'refused', 1)
    assert.equal(refused?.loginProblem, problem)
  })

test('nobody is another by his certificate, and one without an account is nobody', async t => {
  const server = await start(t)
  for (const identity of ['boris@here.test', 'nobody@here.test', 'anna', `${anna} `])
    assert.equal(await logIn(t, server, showing(annas), identity), 535, identity)
  const none = await issueCertificate(authority, ['client.here.test'])
  assert.equal(await logIn(t, server, showing(none)), 535)
  assert.equal(await logIn(t, server, showing(none), anna), 535)
  const gone = await issueCertificate(authority, [], { addresses: ['gone@here.test'] })
  assert.equal(await logIn(t, server, showing(gone)), 535)
  const connection = await connect(t, server, showing(annas))
  assert.equal((await connection.command(`AUTH EXTERNAL ${encode('a\0b')}`))?.code, 501)
  const found = await awaitEvents(server, 'refused', 7)
  assert.deepEqual(
    found.map(({ loginProblem }) => loginProblem),
    [
      'other-identity',
      'other-identity',
      'other-identity',
      'other-identity',
      'certificate-nobody',
      'certificate-nobody',
      'no-such-account',
    ],
  )
  const [first] = found
  assert.ok(first)
  assert.match(
    describeEvent(first).text,
    /^Refused AUTH EXTERNAL of .* as boris@here\.test: it wanted to act for somebody else \(535 5\.7\.8 That certificate/,
  )
})

test('several addresses: the first that is an account, or the one that the client names', async t => {
  const server = await start(t)
  const both = await issueCertificate(authority, [], {
    addresses: ['gone@here.test', 'boris@here.test', anna],
  })
  for (const [identity, sender] of [
    ['', 'boris@here.test'],
    [anna, anna],
  ] as const) {
    const connection = await connect(t, server, showing(both))
    assert.equal((await connection.command(`AUTH EXTERNAL ${encode(identity)}`))?.code, 235)
    assert.equal((await connection.command(`MAIL FROM:<${sender}>`))?.code, 250)
  }
})

test('whose a certificate without an address is, the settings say', async t => {
  const scanner = await issueCertificate(authority, [], { commonName: 'scanner-3' })
  const device = await issueCertificate(authority, [], { commonName: 'device' })
  const server = await start(t, {
    useAddresses: false,
    accounts: [
      { commonName: 'scanner-3', account: 'scanner@here.test' },
      { fingerprint: device.x509.fingerprint256, account: 'boris@here.test' },
    ],
  })
  assert.equal(await logIn(t, server, showing(scanner)), 235)
  assert.equal(await logIn(t, server, showing(scanner), 'scanner@here.test'), 235)
  assert.equal(await logIn(t, server, showing(device), 'boris@here.test'), 235)
  assert.equal(await logIn(t, server, showing(annas)), 535)
  // A name is of no worth where a stranger has written it.
  const forged = await issueCertificate(stranger, [], { commonName: 'scanner-3' })
  assert.equal(await logIn(t, server, showing(forged)), 504)
})

test('a session that goes on keeps its certificate, until that is over', async t => {
  const server = await start(t)
  const ending = await issueCertificate(authority, [], {
    addresses: [anna],
    notAfter: new Date(Date.now() + dayMs),
  })
  const first = await connect(t, server, { ...showing(ending), maxVersion: 'TLSv1.2' })
  assert.equal((await first.command('AUTH EXTERNAL ='))?.code, 235)
  const session = (first.socket as TLSSocket).getSession()
  assert.ok(session)
  const resume = async (): Promise<RawConnection> => {
    const connection = await connect(t, server, { ...showing(ending), maxVersion: 'TLSv1.2', session })
    assert.equal((connection.socket as TLSSocket).isSessionReused(), true)
    return connection
  }
  assert.equal((await (await resume()).command('AUTH EXTERNAL ='))?.code, 235)
  server.clock.advance(2 * dayMs)
  assert.equal((await (await resume()).command('AUTH EXTERNAL ='))?.code, 535)
  const [refused] = await awaitEvents(server, 'refused', 1)
  assert.equal(refused?.loginProblem, 'certificate-expired')
})

test('nobody is asked for a certificate on the port for servers, nor where the settings want none', async t => {
  const server = await start(t)
  const relay = await connect(t, server, showing(annas), 'relay')
  assert.equal((await relay.command('AUTH EXTERNAL ='))?.code, 502)
  const none = await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }],
  })
  const connection = await connect(t, none, showing(annas))
  assert.doesNotMatch((await offered(connection)) ?? '', /EXTERNAL/)
  assert.equal((await connection.command('AUTH EXTERNAL ='))?.code, 504)
})

test('without TLS there is no EXTERNAL', async t => {
  const server = await start(t)
  const connection = await openSession(server.port('submission'))
  t.after(() => connection.destroy())
  assert.equal((await connection.command(`AUTH EXTERNAL ${encode(anna)}`))?.code, 538)
})
