// TLS: where it is only taken when offered, where it is demanded, and what a stranger in between could try.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createSecureContext, type SecureContext, setDefaultCACertificates, TLSSocket } from 'node:tls'
import { generate } from 'selfsigned'
import type { ClientTls } from '../../src/smtp/client/contract.ts'
import { type Overrides, type StartedServer, startServer } from '../smtp-server/start-server.ts'
import { connect, DialogueWatch, failureOf, inWords, listen, peerFor, transactionTo } from './open-client.ts'

// One certificate that this process believes, for a name and for an address; and one that nobody does.
const [trusted, unknown] = await Promise.all([makeCertificate(), makeCertificate()])
setDefaultCACertificates([trusted.certificate])

async function makeCertificate(): Promise<{ context: SecureContext; certificate: string }> {
  const made = await generate([{ name: 'commonName', value: 'mail.example.test' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'mail.example.test' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  return {
    context: createSecureContext({ cert: made.cert, key: made.private }),
    certificate: made.cert,
  }
}

const tls = { secureContext: () => trusted.context }
const submissions: Overrides = { tls, listeners: [{ role: 'submissions', address: '127.0.0.1', port: 0 }] }

async function serverFor(t: TestContext, overrides: Overrides = { tls }): Promise<StartedServer> {
  const started = await startServer(overrides)
  t.after(() => started.server.close())
  return started
}

for (const mode of ['opportunistic', 'starttls'] as const) {
  test(`${mode}: STARTTLS where it is offered, then EHLO anew`, async t => {
    const server = await serverFor(t)
    const watch = new DialogueWatch()
    const connection = await connect(t, server, { tls: mode, onDialogue: watch.onDialogue })
    assert.equal(connection.tls?.protocol, 'TLSv1.3')
    assert.match(connection.tls.cipher, /^TLS_/)
    assert.equal(connection.extensions.has('STARTTLS'), false)
    assert.deepEqual(
      watch.lines.filter(line => line.startsWith('C:')),
      ['C: EHLO client.example.org', 'C: STARTTLS', 'C: EHLO client.example.org'],
    )
    assert.deepEqual(inWords(await connection.send(transactionTo())), ['accepted 250'])
    assert.equal(server.taken.length, 1)
  })
}

test('implicit: TLS from the first byte, at the address that was given', async t => {
  const server = await serverFor(t, submissions)
  const connection = await connect(t, server, { tls: 'implicit' })
  assert.equal(connection.tls?.protocol, 'TLSv1.3')
  assert.equal(connection.remoteAddress, '127.0.0.1')
  assert.deepEqual(inWords(await connection.send(transactionTo())), ['accepted 250'])
})

test('never: not even where it is offered', async t => {
  const server = await serverFor(t)
  const connection = await connect(t, server, { tls: 'never' })
  assert.equal(connection.tls, undefined)
  assert.equal(connection.extensions.has('STARTTLS'), true)
})

test('opportunistic: without STARTTLS in clear', async t => {
  const peer = await peerFor(t, { extensions: [] })
  const connection = await connect(t, peer, { tls: 'opportunistic' })
  assert.equal(connection.tls, undefined)
  assert.deepEqual(inWords(await connection.send(transactionTo())), ['accepted 250'])
})

test('starttls: without STARTTLS nothing more is said', async t => {
  for (const extensions of [[], ['X-STARTTLS', 'STARTTLSX']]) {
    const peer = await peerFor(t, { extensions: ['AUTH PLAIN', ...extensions] })
    const auth = { username: 'anna', password: 'secret' }
    const facts = await failureOf(connect(t, peer, { tls: 'starttls', auth }))
    assert.equal(facts.kind, 'extension-missing')
    assert.equal(facts.stage, 'tls')
    assert.deepEqual(peer.commands, ['EHLO client.example.org'])
  }
})

test('starttls: HELO knows no STARTTLS', async t => {
  const script = (command: string): string | undefined => (command.startsWith('EHLO') ? '502 No' : undefined)
  const peer = await peerFor(t, { extensions: ['STARTTLS'], script })
  const facts = await failureOf(connect(t, peer, { tls: 'starttls' }))
  assert.equal(facts.kind, 'extension-missing')
})

for (const { mode, reply, goesOn } of [
  { mode: 'opportunistic', reply: '454 4.7.0 No certificate', goesOn: true },
  { mode: 'opportunistic', reply: '502 5.5.1 What?', goesOn: true },
  { mode: 'opportunistic', reply: '421 4.3.2 Bye', goesOn: false },
  { mode: 'starttls', reply: '454 4.7.0 No certificate', goesOn: false },
] as const) {
  test(`${mode}: STARTTLS refused with ${reply.slice(0, 3)} ${goesOn ? 'goes on in clear' : 'is the end'}`, async t => {
    const script = (command: string): string | undefined => (command === 'STARTTLS' ? reply : undefined)
    const peer = await peerFor(t, { extensions: ['STARTTLS'], script })
    const connecting = connect(t, peer, { tls: mode })
    if (goesOn) {
      const connection = await connecting
      assert.equal(connection.tls, undefined)
      assert.deepEqual(inWords(await connection.send(transactionTo())), ['accepted 250'])
      return
    }
    const facts = await failureOf(connecting)
    assert.equal(facts.stage, 'tls')
    assert.equal(facts.reply?.code, Number(reply.slice(0, 3)))
    assert.deepEqual(peer.commands.slice(1), reply.startsWith('421') ? ['STARTTLS'] : ['STARTTLS', 'QUIT'])
  })
}

for (const { what, injected, kind } of [
  { what: 'a whole reply', injected: '250-evil.example\r\n250 AUTH PLAIN\r\n', kind: 'protocol' },
  { what: 'the beginning of a reply', injected: '250-evil.example', kind: 'protocol' },
  { what: 'a first line without its last', injected: '250-evil.example\r\n', kind: 'protocol' },
  { what: 'no reply at all', injected: 'GARBAGE\r\n', kind: 'protocol' },
] as const) {
  test(`plain text behind the 220 is never taken for an encrypted reply: ${what}`, async t => {
    const secured: boolean[] = []
    const server = await listen(t, socket => {
      socket.write('220 Hi\r\n')
      socket.on('data', chunk => {
        const command = chunk.toString()
        if (command.startsWith('EHLO')) socket.write('250-Hi\r\n250 STARTTLS\r\n')
        else if (command.startsWith('STARTTLS')) socket.write(`220 Go on\r\n${injected}`)
        // Nothing may come any more, and surely no ClientHello.
        else secured.push(true)
      })
    })
    const facts = await failureOf(connect(t, server, { tls: 'starttls' }))
    assert.equal(facts.kind, kind)
    assert.equal(facts.stage, 'tls')
    assert.deepEqual(secured, [])
  })
}

test('plain text in place of a handshake', async t => {
  for (const mode of ['opportunistic', 'starttls', 'implicit'] as const) {
    const server = await listen(t, socket => {
      if (mode !== 'implicit') socket.write('220 Hi\r\n')
      socket.on('data', chunk => {
        const command = chunk.toString('latin1')
        if (command.startsWith('EHLO')) socket.write('250-Hi\r\n250 STARTTLS\r\n')
        else if (command.startsWith('STARTTLS')) socket.write('220 Go on\r\n')
        else socket.write('250 Hi\r\n')
      })
    })
    const facts = await failureOf(connect(t, server, { tls: mode }))
    assert.equal(facts.kind, 'tls', mode)
    assert.equal(facts.stage, 'tls', mode)
    // OpenSSL's own line has numbers and file names in it.
    assert.match(facts.detail, /^no TLS with \S+: [A-Za-z ]+ \(ERR_SSL_[A-Z_]+\)$/)
  }
})

test('a server that closes within the handshake', async t => {
  for (const mode of ['starttls', 'implicit'] as const) {
    const server = await listen(t, socket => {
      if (mode !== 'implicit') socket.write('220 Hi\r\n')
      socket.on('data', chunk => {
        const command = chunk.toString('latin1')
        if (command.startsWith('EHLO')) socket.write('250-Hi\r\n250 STARTTLS\r\n')
        else if (command.startsWith('STARTTLS')) socket.write('220 Go on\r\n')
        else socket.destroy()
      })
    })
    const facts = await failureOf(connect(t, server, { tls: mode }))
    assert.equal(facts.kind, 'tls', mode)
    assert.equal(facts.stage, 'tls', mode)
  }
})

test('what a server has against the handshake, which comes after our part of it, is a failure of TLS', async t => {
  const server = await listen(t, socket => {
    socket.write('220 Hi\r\n')
    const answer = (chunk: Buffer): void => {
      if (chunk.toString().startsWith('EHLO')) {
        socket.write('250-Hi\r\n250 STARTTLS\r\n')
        return
      }
      socket.off('data', answer)
      socket.write('220 Go on\r\n')
      const { context: secureContext } = trusted
      new TLSSocket(socket, { isServer: true, secureContext, requestCert: true, rejectUnauthorized: true })
        // No certificate of the client.
        .on('error', () => socket.destroy())
    }
    socket.on('data', answer)
  })
  for (const mode of ['opportunistic', 'starttls'] as const) {
    const { stage, kind, detail } = await failureOf(connect(t, server, { tls: mode }))
    assert.deepEqual([stage, kind], ['tls', 'tls'], mode)
    assert.match(detail, /certificate required/)
  }
})

const places: readonly { mode: ClientTls; overrides: Overrides }[] = [
  { mode: 'starttls', overrides: {} },
  { mode: 'implicit', overrides: submissions },
]

for (const { mode, overrides } of places) {
  test(`${mode}: a certificate that is valid for the name, or for the address`, async t => {
    const server = await serverFor(t, { tls, ...overrides })
    for (const host of ['mail.example.test', '127.0.0.1']) {
      const connection = await connect(t, server, { host, tls: mode, verifyCertificate: true })
      assert.equal(connection.tls?.authorized, true, host)
    }
  })

  test(`${mode}: a certificate for another name or address is refused`, async t => {
    const server = await serverFor(t, { tls, ...overrides })
    for (const host of ['other.example.test', '127.0.0.2']) {
      const facts = await failureOf(connect(t, server, { host, tls: mode, verifyCertificate: true }))
      assert.equal(facts.kind, 'tls', host)
      assert.match(facts.detail, /altnames|is not in the cert's list/i)
    }
  })

  test(`${mode}: a certificate that nobody vouches for is refused when it is to be verified, and only then`, async t => {
    const names: (string | undefined)[] = []
    const server = await serverFor(t, {
      ...overrides,
      tls: {
        secureContext(serverName) {
          names.push(serverName)
          return unknown.context
        },
      },
    })
    const facts = await failureOf(connect(t, server, { tls: mode, verifyCertificate: true }))
    assert.equal(facts.kind, 'tls')
    const connection = await connect(t, server, { tls: mode, verifyCertificate: false })
    assert.equal(connection.tls?.authorized, false)
    // RFC 6066 §3: the name is asked for, so that the server can choose.
    assert.ok(names.includes('mail.example.test'))
  })
}

test('421 comes through TLS as well', async t => {
  const server = await serverFor(t)
  const connection = await connect(t, server, { tls: 'starttls' })
  // The server has time to say good-bye, and ends as soon as this connection has gone.
  await server.server.close(600_000)
  while (connection.usable) await nextTurn()
  assert.deepEqual(inWords(await connection.send(transactionTo())), ['refused 421 at mail'])
})
