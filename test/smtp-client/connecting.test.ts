// From the connection to the point where MAIL may be said: greeting, EHLO or HELO, AUTH.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Script } from '../delivery/remote-peer.ts'
import {
  connect,
  DialogueWatch,
  failureOf,
  inWords,
  listen,
  openly,
  peerFor,
  transactionTo,
} from './open-client.ts'

/** Answers commands that start with `verb`. */
const answering =
  (verb: string, reply: string): Script =>
  command =>
    command.startsWith(verb) ? reply : undefined

test('the extensions of the server, with their parameters', async t => {
  const peer = await peerFor(t, {
    extensions: ['size 1000', 'AUTH PLAIN LOGIN', 'PIPELINING', 'X-OWN a=b c'],
  })
  const connection = await connect(t, peer)
  assert.deepEqual(
    [...connection.extensions],
    [
      ['SIZE', '1000'],
      ['AUTH', 'PLAIN LOGIN'],
      ['PIPELINING', ''],
      ['X-OWN', 'a=b c'],
    ],
  )
  assert.equal(connection.remoteAddress, '127.0.0.1')
  assert.equal(connection.remotePort, peer.port)
  assert.deepEqual(peer.commands, ['EHLO client.example.org'])
})

test('a greeting may be long, and come in pieces', async t => {
  const server = await listen(t, socket => {
    for (const piece of ['220-Welcome\r', '\n220-to a server\r\n2', '20 that likes to talk\r\n'])
      socket.write(piece)
    socket.once('data', () => socket.write('250 mail.example.test\r\n'))
  })
  const connection = await connect(t, server)
  assert.equal(connection.usable, true)
})

test('a server that refuses at once is quoted', async t => {
  const peer = await peerFor(t, { script: answering('(connect)', '554 5.7.1 No mail from you') })
  const facts = await failureOf(connect(t, peer))
  assert.equal(facts.kind, 'reply')
  assert.equal(facts.stage, 'greeting')
  assert.deepEqual(facts.reply, { code: 554, enhanced: '5.7.1', lines: ['No mail from you'] })
  assert.deepEqual(peer.commands, ['QUIT'])
})

test('nobody listens', async t => {
  const peer = await peerFor(t)
  await peer.close()
  const facts = await failureOf(connect(t, peer))
  assert.equal(facts.kind, 'refused-connection')
  assert.equal(facts.stage, 'connect')
  assert.match(
    facts.detail,
    /^no connection to 127\.0\.0\.1:\d+: refused; nothing listens on this port there \(ECONNREFUSED\)$/,
  )
})

test('there is no way from here', async t => {
  const peer = await peerFor(t)
  // RFC 5737: an address for documents, which no machine has.
  const facts = await failureOf(connect(t, peer, { ...openly, localAddress: '192.0.2.77' }))
  assert.equal(facts.kind, 'unreachable')
  assert.match(facts.detail, /: this machine has no address to connect from \(EADDRNOTAVAIL\)$/)
})

test('something else than SMTP answers', async t => {
  const server = await listen(t, socket => socket.write('SSH-2.0-OpenSSH_9.9\r\n'))
  const facts = await failureOf(connect(t, server))
  assert.equal(facts.kind, 'protocol')
  assert.match(facts.detail, /does not speak SMTP: "SSH-2\.0-OpenSSH_9\.9/)
})

for (const [stage, at] of [
  ['greeting', '(connect)'],
  ['hello', 'EHLO'],
] as const) {
  test(`the server closes instead of an answer: ${stage}`, async t => {
    const peer = await peerFor(t, { script: answering(at, 'close') })
    const facts = await failureOf(connect(t, peer))
    assert.equal(facts.kind, 'closed')
    assert.equal(facts.stage, stage)
  })
}

for (const code of [500, 502, 554]) {
  test(`EHLO refused with ${code}: HELO, and nothing that HELO does not know`, async t => {
    const peer = await peerFor(t, { script: answering('EHLO', `${code} 5.5.1 What?`) })
    const connection = await connect(t, peer, {})
    assert.equal(connection.extensions.size, 0)
    const results = await connection.send(transactionTo(undefined, { envelopeId: 'e', ret: 'HDRS' }))
    assert.deepEqual(inWords(results), ['accepted 250'])
    assert.deepEqual(peer.commands, [
      'EHLO client.example.org',
      'HELO client.example.org',
      'MAIL FROM:<anna@example.test>',
      'RCPT TO:<boris@example.org>',
      'DATA',
    ])
  })
}

for (const code of [421, 450]) {
  test(`EHLO refused with ${code} is no reason for HELO`, async t => {
    const peer = await peerFor(t, { script: answering('EHLO', `${code} 4.3.2 Later`) })
    const facts = await failureOf(connect(t, peer))
    assert.equal(facts.stage, 'hello')
    assert.equal(facts.reply?.code, code)
    assert.deepEqual(peer.commands, ['EHLO client.example.org', ...(code === 421 ? [] : ['QUIT'])])
  })
}

test('EHLO and HELO refused', async t => {
  const peer = await peerFor(t, {
    script: command => (/^(?:EHLO|HELO)/.test(command) ? '550 5.7.1 I do not know you' : undefined),
  })
  const facts = await failureOf(connect(t, peer))
  assert.equal(facts.stage, 'hello')
  assert.equal(facts.reply?.code, 550)
})

const auth = { username: 'анна@example.test', password: 'geheim ß' }
const base64 = (value: string): string => Buffer.from(value).toString('base64')

test('AUTH PLAIN where it is offered; the dialogue keeps the password to itself', async t => {
  const peer = await peerFor(t, {
    extensions: ['AUTH LOGIN plain'],
    script: answering('AUTH', '235 2.7.0 Welcome'),
  })
  const watch = new DialogueWatch()
  await connect(t, peer, { ...openly, auth, onDialogue: watch.onDialogue })
  assert.equal(peer.commands[1], `AUTH PLAIN ${base64(`\0${auth.username}\0${auth.password}`)}`)
  assert.ok(watch.lines.includes('C: AUTH PLAIN ****'))
})

test('AUTH LOGIN where there is no other; the dialogue keeps the answers to itself', async t => {
  const peer = await peerFor(t, {
    extensions: ['AUTH CRAM-MD5 LOGIN'],
    script: command => {
      if (command === 'AUTH LOGIN') return '334 VXNlcm5hbWU6'
      if (command === base64(auth.username)) return '334 UGFzc3dvcmQ6'
      return command === base64(auth.password) ? '235 2.7.0 Welcome' : undefined
    },
  })
  const watch = new DialogueWatch()
  const connection = await connect(t, peer, { ...openly, auth, onDialogue: watch.onDialogue })
  assert.equal(connection.usable, true)
  const secrets = [base64(auth.username), base64(auth.password)]
  assert.deepEqual(peer.commands.slice(1), ['AUTH LOGIN', ...secrets])
  assert.ok(!secrets.some(secret => watch.lines.join('\n').includes(secret)))
})

for (const { what, extensions, script } of [
  {
    what: 'PLAIN',
    extensions: ['AUTH PLAIN'],
    script: answering('AUTH', '535 5.7.8 Wrong name or password'),
  },
  {
    what: 'LOGIN, at once',
    extensions: ['AUTH LOGIN'],
    script: answering('AUTH', '535 5.7.8 Wrong name or password'),
  },
  {
    what: 'LOGIN, after the name',
    extensions: ['AUTH LOGIN'],
    script: (command: string) =>
      command === 'AUTH LOGIN' ? '334 VXNlcm5hbWU6' : '535 5.7.8 Wrong name or password',
  },
]) {
  test(`a log-in that is refused ends the connection: ${what}`, async t => {
    const peer = await peerFor(t, {
      extensions,
      script: (command, session) => (/^(?:\(|EHLO)/.test(command) ? undefined : script(command, session)),
    })
    const facts = await failureOf(connect(t, peer, { ...openly, auth }))
    assert.equal(facts.stage, 'auth')
    assert.deepEqual(facts.reply, { code: 535, enhanced: '5.7.8', lines: ['Wrong name or password'] })
    assert.ok(!peer.commands.includes(base64(auth.password)))
  })
}

test('a challenge after AUTH PLAIN is no consent', async t => {
  const peer = await peerFor(t, { extensions: ['AUTH PLAIN'], script: answering('AUTH', '334 ') })
  const facts = await failureOf(connect(t, peer, { ...openly, auth }))
  assert.equal(facts.stage, 'auth')
  assert.equal(facts.reply?.code, 334)
})

for (const { what, extensions, script } of [
  { what: 'no AUTH', extensions: ['PIPELINING'] },
  { what: 'only mechanisms that the client does not know', extensions: ['AUTH CRAM-MD5 SCRAM-SHA-256'] },
  { what: 'only HELO', extensions: ['AUTH PLAIN'], script: answering('EHLO', '500 What?') },
]) {
  test(`a server with ${what} is never told the password`, async t => {
    const peer = await peerFor(t, { extensions, ...(script ? { script } : {}) })
    const facts = await failureOf(connect(t, peer, { ...openly, auth }))
    assert.equal(facts.kind, 'auth-unavailable')
    assert.equal(facts.stage, 'auth')
    assert.ok(!peer.commands.some(command => command.startsWith('AUTH')))
  })
}

test('without TLS the password is kept back, unless the caller wants it so', async t => {
  const peer = await peerFor(t, { extensions: ['AUTH PLAIN'], script: answering('AUTH', '235 2.7.0 Ok') })
  const facts = await failureOf(connect(t, peer, { tls: 'opportunistic', auth }))
  assert.equal(facts.kind, 'auth-unavailable')
  assert.ok(!peer.commands.some(command => command.startsWith('AUTH')))
  await connect(t, peer, { tls: 'opportunistic', auth, allowPlaintextAuth: true })
  assert.ok(peer.commands.some(command => command.startsWith('AUTH PLAIN ')))
})

test('who has logged in says at MAIL that the submitter is not told', async t => {
  const peer = await peerFor(t, { extensions: ['AUTH PLAIN'], script: answering('AUTH', '235 2.7.0 Ok') })
  const withLogin = await connect(t, peer, { ...openly, auth })
  await withLogin.send(transactionTo(['boris@example.org']))
  const without = await connect(t, peer)
  await without.send(transactionTo(['boris@example.org']))
  assert.deepEqual(
    peer.commands.filter(command => command.startsWith('MAIL')),
    ['MAIL FROM:<anna@example.test> AUTH=<>', 'MAIL FROM:<anna@example.test>'],
  )
})

test('nothing that the caller gives becomes a line of its own', async t => {
  const peer = await peerFor(t)
  const injected = 'client.example.org\r\nMAIL FROM:<evil@example.net>'
  for (const helloName of [injected, 'client\nQUIT', 'client\0'])
    await assert.rejects(connect(t, peer, { ...openly, helloName }), {
      name: 'UsageFault',
      code: 'HOSTNAME_SYNTAX',
      message: /helloName/,
    })
  const connection = await connect(t, peer)
  for (const pipelining of [true, false]) {
    const own = pipelining ? connection : await connect(t, await peerFor(t, { extensions: [] }))
    const forwardPath = { localPart: 'boris', domain: 'example.org>\r\nRCPT TO:<evil@example.net' }
    await assert.rejects(own.send(transactionTo([{ forwardPath }])), { code: 'SMTP_LINE_BROKEN' })
    assert.equal(own.usable, false)
  }
  assert.deepEqual(peer.commands, ['EHLO client.example.org'])
})
