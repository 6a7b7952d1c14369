// TLS: the right certificate for each handshake, and peers that speak TLS where plain text is due and the other way round.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { openConnection } from '../harness/raw-connection.ts'
import { testSecureContext } from '../harness/secure-context.ts'
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
    info: (message: string) => void notes.push(message),
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

void test('plain text on a TLS port: closed without a reply in clear, and noted', async () => {
  notes.length = 0
  const connection = await openConnection(submissions.port)
  await connection.write(`EHLO client.example.org\r\n${'x'.repeat(500)}\r\n`)
  assert.deepEqual(await remainingCodes(connection), [])
  assert.deepEqual(notes, ['TLS handshake failed'])
})

void test('a TLS client on a plain port gives up; the next peer is served', async () => {
  const secure = connectTls({ port: started.port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(secure, 'error')
  const connection = await started.greeted()
  await beginTransaction(connection)
  connection.destroy()
})

void test('a ClientHello cut in the middle: the connection just ends', async () => {
  const connection = await openConnection(submissions.port)
  await connection.write(Buffer.from('16030100c8010000c40303', 'hex'))
  connection.socket.end()
  assert.deepEqual(await remainingCodes(connection), [])
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
