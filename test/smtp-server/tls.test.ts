// TLS: the right certificate for each handshake, and peers that speak TLS where plain text is due and the other way round.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { LogFields } from '../../src/runtime/log.ts'
import { openConnection } from '../harness/raw-connection.ts'
import { testSecureContext } from '../harness/secure-context.ts'
import { matches } from '../transcripts/transcript.ts'
import { beginTransaction, remainingCodes, type StartedServer, startServer } from './start-server.ts'

const notes: string[] = []
const names: (string | undefined)[] = []
let broken = false
let started: StartedServer
let submissions: StartedServer

before(async () => {
  const log = {
    isDebugEnabled: false,
    debug() {},
    info: (message: string, fields?: LogFields) =>
      void notes.push([message, fields?.code].filter(part => part !== undefined).join(' ')),
    warn() {},
    error() {},
  }
  const tls = {
    secureContext(serverName?: string) {
      names.push(serverName)
      if (broken) throw new Error('a fault that the test wants')
      return testSecureContext()
    },
  }
  started = await startServer({ tls, log })
  submissions = await startServer({
    tls,
    log,
    listeners: [{ role: 'submissions', address: '127.0.0.1', port: 0 }],
  })
})

after(async () => {
  await started.server.close()
  await submissions.server.close()
})

void test('the client knows the protocol, the cipher and the name that was asked for', async () => {
  const seen: unknown[] = []
  const { server, greeted } = await startServer({
    tls: { secureContext: testSecureContext },
    services: {
      hello(client) {
        seen.push(client.tls?.protocol, client.tls?.serverName, client.extended)
        return undefined
      },
    },
  })
  const connection = await greeted()
  await connection.command('EHLO client.example.org')
  await connection.command('STARTTLS')
  await connection.startTls({ servername: 'mail.example.test' })
  await beginTransaction(connection)
  assert.deepEqual(seen, [undefined, undefined, true, 'TLSv1.3', 'mail.example.test', true])
  connection.destroy()
  await server.close()
})

void test('each handshake asks for the certificate anew, by name', async () => {
  const connection = await started.greeted()
  await connection.command('EHLO client.example.org')
  await connection.command('STARTTLS')
  await connection.startTls({ servername: 'other.example.test' })
  assert.equal((await connection.command('EHLO client.example.org'))?.code, 250)
  assert.ok(names.includes('other.example.test'))
  connection.destroy()
})

void test('a certificate that cannot be used: 454, and the session goes on in clear', async () => {
  broken = true
  const connection = await started.greeted()
  await connection.command('EHLO client.example.org')
  assert.equal((await connection.command('STARTTLS'))?.code, 454)
  assert.equal((await connection.command('NOOP'))?.code, 250)
  connection.destroy()
  const silent = await openConnection(submissions.port)
  assert.deepEqual(await remainingCodes(silent), [])
  broken = false
})

for (const { peer, bytes, note } of [
  {
    peer: 'speaks SMTP in clear',
    bytes: 'EHLO client.example.org\r\n',
    note: 'the client spoke without TLS to the port for TLS ERR_SSL_WRONG_VERSION_NUMBER',
  },
  {
    peer: 'speaks SMTP in clear, and much of it',
    bytes: `EHLO client.example.org\r\n${'x'.repeat(500)}\r\n`,
    note: 'the client spoke without TLS to the port for TLS ERR_SSL_WRONG_VERSION_NUMBER',
  },
  {
    peer: 'speaks HTTP',
    bytes: 'GET / HTTP/1.1\r\n\r\n',
    note: 'the client spoke without TLS to the port for TLS ERR_SSL_HTTP_REQUEST',
  },
] as const) {
  void test(`a peer on the TLS port ${peer}: no reply in clear, and the log says why`, async () => {
    notes.length = 0
    const connection = await openConnection(submissions.port)
    await connection.write(bytes)
    assert.deepEqual(await remainingCodes(connection), [])
    assertNoted(`TLS handshake failed: ${note}`)
  })
}

function assertNoted(pattern: string): void {
  const [note = '', ...others] = notes
  assert.deepEqual(others, [])
  assert.ok(matches(pattern, note), `${JSON.stringify(note)} is not ${JSON.stringify(pattern)}`)
}

/** What a client says first, of TLS 1.2: so its alerts can be written by hand. */
async function readClientHello(): Promise<Buffer> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const client = connectTls({ port: (listener.address() as AddressInfo).port, maxVersion: 'TLSv1.2' })
  client.on('error', () => {})
  const [socket] = (await once(listener, 'connection')) as [Socket]
  const [hello] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  listener.close()
  return hello
}

// RFC 8446 §6: the last octet says what is wrong.
for (const { alert, note } of [
  {
    alert: '15030300020230',
    note: 'the client does not trust the issuer of the certificate ...ALERT_UNKNOWN_CA',
  },
  { alert: '1503030002022a', note: 'the client does not accept the certificate ...ALERT_BAD_CERTIFICATE' },
  { alert: '1503030002022d', note: 'the client finds the certificate expired ...ALERT_CERTIFICATE_EXPIRED' },
] as const) {
  void test(`a client that refuses the certificate: "${note}"`, async () => {
    notes.length = 0
    const connection = await openConnection(submissions.port)
    await connection.write(await readClientHello())
    await once(connection.socket, 'data')
    await connection.write(Buffer.from(alert, 'hex'))
    await connection.closed
    assertNoted(`TLS handshake failed: ${note}`)
  })
}

void test('a client of old versions only: the log says that none is common', async () => {
  notes.length = 0
  const old = connectTls({
    port: submissions.port,
    host: '127.0.0.1',
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
    rejectUnauthorized: false,
  })
  await once(old, 'error')
  while (submissions.server.connectionCount > 0) await nextTurn()
  assertNoted(
    'TLS handshake failed: client and server have no version of TLS in common ERR_SSL_UNSUPPORTED_PROTOCOL',
  )
})

void test('a client that goes in the middle of the handshake is noted, one that only looks at the port is not', async () => {
  notes.length = 0
  const looker = await openConnection(submissions.port)
  looker.socket.end()
  assert.deepEqual(await remainingCodes(looker), [])
  assert.deepEqual(notes, [])
  const leaver = await openConnection(submissions.port)
  await leaver.write(Buffer.from('16030100c8010000c40303', 'hex'))
  leaver.socket.end()
  assert.deepEqual(await remainingCodes(leaver), [])
  assertNoted('TLS handshake failed: the client closed the connection before the end of it')
})

void test('plain text where the handshake after STARTTLS is due: the log says so', async () => {
  notes.length = 0
  const connection = await started.greeted()
  await connection.command('EHLO client.example.org')
  assert.equal((await connection.command('STARTTLS'))?.code, 220)
  await connection.write('MAIL FROM:<a@example.org>\r\n')
  assert.deepEqual(await remainingCodes(connection), [])
  assertNoted(
    'TLS handshake failed: the client went on without TLS after STARTTLS ERR_SSL_WRONG_VERSION_NUMBER',
  )
})

void test('a TLS client on a plain port is told what this server has, by its real ports', async () => {
  const hello = Buffer.from('16030100c8010000c403030d0a0d0a', 'hex')
  const told = async (port: number): Promise<string | undefined> => {
    const connection = await openConnection(port)
    await connection.reply()
    await connection.write(hello)
    return (await connection.reply())?.text
  }
  const plainPort = { role: 'relay', address: '127.0.0.1', port: 0 } as const
  const both = await startServer({
    tls: { secureContext: () => testSecureContext() },
    listeners: [plainPort, { ...plainPort, role: 'submissions' }],
  })
  const without = await startServer()
  try {
    const tlsPort = both.listeners[1]?.port ?? 0
    const starts = '4.7.0 mail.example.test starts without TLS on this port'
    assert.equal(await told(both.port), `${starts}: use STARTTLS, or port ${tlsPort}`)
    assert.equal(await told(started.port), `${starts}: use STARTTLS`)
    assert.equal(await told(without.port), starts)
  } finally {
    await both.server.close()
    await without.server.close()
  }
})

void test('a TLS client on a plain port gives up; the next peer is served', async () => {
  const secure = connectTls({ port: started.port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(secure, 'error')
  const connection = await started.greeted()
  await beginTransaction(connection)
  connection.destroy()
})

void test('PROXY header and handshake in one packet', async () => {
  const { server, port } = await startServer({
    tls: { secureContext: testSecureContext },
    listeners: [{ role: 'submissions', address: '127.0.0.1', port: 0, proxyFrom: ['127.0.0.1'] }],
  })
  const connection = await openConnection(port)
  await connection.write('PROXY TCP4 192.0.2.7 192.0.2.1 41234 465\r\n')
  await connection.startTls()
  assert.equal((await connection.reply())?.code, 220)
  connection.destroy()
  await server.close()
})
