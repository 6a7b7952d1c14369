// Transactions as the server sees them: which commands come in which order, and what each answer means to each recipient.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { OutgoingTransaction } from '../../src/smtp/client/contract.ts'
import type { Script } from '../delivery/remote-peer.ts'
import {
  connect,
  DialogueWatch,
  inWords,
  listen,
  mailDataOf,
  openly,
  peerFor,
  recipient,
  text,
  transactionTo,
} from './open-client.ts'

const boris = 'boris@example.org'
const clara = 'clara@example.org'
const dora = 'dora@example.org'

const pipelining = ['PIPELINING', '8BITMIME', 'SMTPUTF8']
const inTurn = ['8BITMIME', 'SMTPUTF8']

/** Both ways to go through a transaction must come to the same. */
const ways = [
  { way: 'pipelined', extensions: pipelining },
  { way: 'in turn', extensions: inTurn },
]

/** Answers the commands in which a key stands. */
const answers =
  (replies: Readonly<Record<string, string>>): Script =>
  command =>
    Object.entries(replies).find(([part]) => command.includes(part))?.[1]

test('pipelined: the envelope goes out as one group, the message after 354', async t => {
  const peer = await peerFor(t, { extensions: pipelining })
  const watch = new DialogueWatch()
  const connection = await connect(t, peer, { ...openly, onDialogue: watch.onDialogue })
  await connection.send(transactionTo([boris, clara]))
  const group = ['C: MAIL', 'C: RCPT', 'C: RCPT', 'C: DATA']
  assert.deepEqual(watch.order('C: MAIL'), [
    ...group,
    'S: 250',
    'S: 250',
    'S: 250',
    'S: 354',
    'C: (23',
    'S: 250',
  ])
  assert.deepEqual(peer.messages, [
    { reversePath: 'anna@example.test', forwardPaths: [boris, clara], mailData: text },
  ])
})

test('in turn: each command waits for the answer to the one before', async t => {
  const peer = await peerFor(t, { extensions: inTurn })
  const watch = new DialogueWatch()
  const connection = await connect(t, peer, { ...openly, onDialogue: watch.onDialogue })
  await connection.send(transactionTo([boris, clara]))
  const turns = ['C: MAIL', 'S: 250', 'C: RCPT', 'S: 250', 'C: RCPT', 'S: 250', 'C: DATA', 'S: 354']
  assert.deepEqual(watch.order('C: MAIL'), [...turns, 'C: (23', 'S: 250'])
  assert.deepEqual(peer.messages, [
    { reversePath: 'anna@example.test', forwardPaths: [boris, clara], mailData: text },
  ])
})

for (const { way, extensions } of ways) {
  test(`${way}: each recipient has a result of its own, in order`, async t => {
    const peer = await peerFor(t, {
      extensions,
      script: answers({
        'boris@': '550 5.1.1 No such user',
        'clara@': '452 4.2.2 Full',
        'dora@': '251 2.1.5 Moved',
      }),
    })
    const connection = await connect(t, peer)
    const sent = transactionTo([boris, dora, clara, 'emil@example.org'])
    const results = await connection.send(sent)
    assert.deepEqual(inWords(results), [
      'refused 550 at rcpt',
      'accepted 250',
      'refused 452 at rcpt',
      'accepted 250',
    ])
    assert.deepEqual(
      results.map(result => result.recipient),
      sent.recipients,
    )
    assert.deepEqual(peer.messages[0]?.forwardPaths, [dora, 'emil@example.org'])
    assert.equal(connection.usable, true)
  })

  test(`${way}: the sender is refused, and with it everyone; the next message may go`, async t => {
    const peer = await peerFor(t, {
      extensions,
      script: answers({ 'MAIL FROM:<anna@': '553 5.7.1 Not you' }),
    })
    const connection = await connect(t, peer)
    assert.deepEqual(inWords(await connection.send(transactionTo([boris, clara]))), [
      'refused 553 at mail',
      'refused 553 at mail',
    ])
    const results = await connection.send(transactionTo([boris], { reversePath: null }))
    assert.deepEqual(inWords(results), ['accepted 250'])
    assert.equal(peer.messages[0]?.reversePath, '')
    assert.equal(peer.messages.length, 1)
  })

  test(`${way}: everyone is refused, so no message goes; RSET before the next one`, async t => {
    const peer = await peerFor(t, { extensions, script: answers({ 'boris@': '550 5.1.1 No such user' }) })
    const connection = await connect(t, peer)
    assert.deepEqual(inWords(await connection.send(transactionTo([boris]))), ['refused 550 at rcpt'])
    assert.equal(peer.messages.length, 0)
    assert.deepEqual(inWords(await connection.send(transactionTo([clara]))), ['accepted 250'])
    assert.deepEqual(peer.messages[0]?.forwardPaths, [clara])
    const verbs = peer.commands.map(command => command.split(/[ :]/)[0])
    assert.equal(verbs[verbs.lastIndexOf('MAIL') - 1], 'RSET')
    assert.equal(verbs.filter(verb => verb === 'RSET').length, 1)
  })

  test(`${way}: DATA is refused; RSET before the next one`, async t => {
    const peer = await peerFor(t, { extensions, script: answers({ DATA: '451 4.3.0 Not now' }) })
    const connection = await connect(t, peer)
    assert.deepEqual(inWords(await connection.send(transactionTo([boris, clara]))), [
      'refused 451 at data',
      'refused 451 at data',
    ])
    peer.script = () => undefined
    assert.deepEqual(inWords(await connection.send(transactionTo([dora]))), ['accepted 250'])
    assert.deepEqual(peer.messages[0]?.forwardPaths, [dora])
    assert.ok(peer.commands.includes('RSET'))
  })

  test(`${way}: the message is refused; the connection goes on`, async t => {
    const peer = await peerFor(t, { extensions, script: answers({ '(end of data)': '554 5.7.1 Spam' }) })
    const connection = await connect(t, peer)
    assert.deepEqual(inWords(await connection.send(transactionTo([boris, clara]))), [
      'refused 554 at end-of-data',
      'refused 554 at end-of-data',
    ])
    assert.equal(connection.usable, true)
    peer.script = () => undefined
    assert.deepEqual(inWords(await connection.send(transactionTo([boris]))), ['accepted 250'])
    assert.equal(peer.messages.length, 1)
  })

  test(`${way}: cut after a refusal, the refusal counts, and nothing came of the rest`, async t => {
    const peer = await peerFor(t, {
      extensions,
      script: answers({ 'boris@': '550 5.1.1 No such user', 'clara@': 'close' }),
    })
    const connection = await connect(t, peer)
    const results = await connection.send(transactionTo([boris, clara, dora]))
    assert.deepEqual(inWords(results), [
      'refused 550 at rcpt',
      'failed closed at rcpt',
      'failed closed at rcpt',
    ])
    assert.equal(connection.usable, false)
  })

  test(`${way}: cut after the end of the message, it says so: the server may have it`, async t => {
    const peer = await peerFor(t, { extensions, script: answers({ '(end of data)': 'close' }) })
    const connection = await connect(t, peer)
    assert.deepEqual(inWords(await connection.send(transactionTo([boris]))), ['failed closed at end-of-data'])
  })

  test(`${way}: 421 ends the use of the connection`, async t => {
    const peer = await peerFor(t, { extensions, script: answers({ 'clara@': '421 4.3.2 Shutting down' }) })
    const connection = await connect(t, peer)
    const results = await connection.send(transactionTo([boris, clara, dora]))
    assert.equal(inWords(results)[1], 'refused 421 at rcpt')
    assert.equal(inWords(results)[2], 'failed closed at rcpt')
    assert.equal(peer.messages.length, 0)
    assert.equal(connection.usable, false)
  })

  for (const { reply, at, stage } of [
    { reply: '354 Go on', at: 'MAIL', stage: 'mail' },
    { reply: '354 Go on', at: 'RCPT', stage: 'rcpt' },
    { reply: '250 2.0.0 Ok', at: 'DATA', stage: 'data' },
    { reply: '354 Go on', at: '(end of data)', stage: 'end-of-data' },
  ]) {
    test(`${way}: ${reply.slice(0, 3)} at ${at} makes no sense, so it is no success, and nothing more is said`, async t => {
      const peer = await peerFor(t, { extensions, script: answers({ [at]: reply }) })
      const connection = await connect(t, peer)
      const results = await connection.send(transactionTo([boris]))
      assert.deepEqual(inWords(results), [`failed protocol at ${stage}`])
      assert.equal(connection.usable, false)
    })
  }
}

test('pipelined: a server that wants data though nobody is to get it gets an empty message', async t => {
  const peer = await peerFor(t, {
    extensions: pipelining,
    script: answers({ 'boris@': '550 5.1.1 No such user', DATA: '354 Go on' }),
  })
  const connection = await connect(t, peer)
  assert.deepEqual(inWords(await connection.send(transactionTo([boris]))), ['refused 550 at rcpt'])
  assert.equal(peer.messages[0]?.mailData, '')
  assert.equal(connection.usable, true)
})

test('421 between two transactions: the connection is not usable any more', async t => {
  const peer = await peerFor(t)
  const connection = await connect(t, peer)
  await connection.send(transactionTo())
  assert.equal(connection.usable, true)
  peer.say('421 4.4.2 Idle for too long')
  while (connection.usable) await nextTurn()
  assert.deepEqual(inWords(await connection.send(transactionTo([boris]))), ['refused 421 at mail'])
  assert.equal(peer.messages.length, 1)
})

for (const before of [0, 1]) {
  test(`a connection that is closed after ${before} transactions fails at MAIL: nothing was taken`, async t => {
    const peer = await peerFor(t)
    const connection = await connect(t, peer)
    for (let n = 0; n < before; n++) await connection.send(transactionTo())
    await peer.close()
    while (connection.usable) await nextTurn()
    assert.deepEqual(inWords(await connection.send(transactionTo([boris]))), ['failed closed at mail'])
  })
}

test('a reply too many makes the connection unusable: nobody knows what the next one answers', async t => {
  const peer = await peerFor(t, {
    script: answers({ '(end of data)': '250 2.0.0 Queued\r\n250 2.0.0 Queued' }),
  })
  const connection = await connect(t, peer)
  assert.deepEqual(inWords(await connection.send(transactionTo([boris]))), ['accepted 250'])
  while (connection.usable) await nextTurn()
  assert.equal(peer.messages.length, 1)
})

test('garbage behind the reply to the message takes nothing from the reply', async t => {
  const peer = await peerFor(t, { script: answers({ '(end of data)': '250 2.0.0 Queued\r\nGARBAGE' }) })
  const connection = await connect(t, peer)
  assert.deepEqual(inWords(await connection.send(transactionTo([boris]))), ['accepted 250'])
  assert.equal(connection.usable, false)
})

for (const { reply, result } of [
  { reply: '552 5.3.4 Too big', result: 'refused 552 at end-of-data' },
  { reply: '250 2.0.0 Queued', result: 'failed protocol at end-of-data' },
]) {
  test(`${reply.slice(0, 3)} before the end of the message: the rest is not sent, and is no command`, async t => {
    const peer = await peerFor(t)
    const watch = new DialogueWatch()
    const connection = await connect(t, peer, { ...openly, onDialogue: watch.onDialogue })
    const mailData = {
      size: 1000,
      async *open() {
        yield Buffer.from(text)
        peer.say(reply)
        await watch.line(`S: ${reply}`)
        yield Buffer.from('more\r\n')
        yield Buffer.from('never sent\r\n')
      },
    }
    assert.deepEqual(inWords(await connection.send(transactionTo([boris], { mailData }))), [result])
    assert.equal(connection.usable, false)
    assert.equal(peer.messages.length, 0)
  })
}

test('a server that closes before the end of the message has not got it', async t => {
  const peer = await peerFor(t)
  const connection = await connect(t, peer)
  const mailData = {
    size: 1000,
    async *open() {
      yield Buffer.from(text)
      await peer.close()
      while (connection.usable) await nextTurn()
      yield Buffer.from('more\r\n')
    },
  }
  assert.deepEqual(inWords(await connection.send(transactionTo([boris], { mailData }))), [
    'failed closed at data',
  ])
  assert.equal(peer.messages.length, 0)
})

test('mail data that cannot be read: our fault, and the server does not take the half', async t => {
  const peer = await peerFor(t)
  const connection = await connect(t, peer)
  const mailData = {
    size: 1000,
    async *open() {
      yield Buffer.from(text)
      throw new Error('the disk is gone')
    },
  }
  await assert.rejects(connection.send(transactionTo([boris], { mailData })), /the disk is gone/)
  assert.equal(connection.usable, false)
  assert.equal(peer.messages.length, 0)
})

test('a message larger than all buffers goes whole to a server that reads slowly', async t => {
  const line = `${'x'.repeat(76)}\r\n`
  const count = 100_000
  let received = 0
  const server = await listen(t, socket => {
    socket.write('220 Hi\r\n')
    let tail = ''
    socket.on('data', chunk => {
      if (received === 0 && chunk.toString().startsWith('EHLO')) socket.write('250 Hi\r\n')
      else if (received === 0 && /^(?:MAIL|RCPT)/.test(chunk.toString())) socket.write('250 Ok\r\n')
      else if (received === 0 && chunk.toString().startsWith('DATA')) socket.write('354 Go on\r\n')
      else {
        received += chunk.length
        tail = (tail + chunk.toString('latin1')).slice(-5)
        socket.pause()
        setImmediate(() => socket.resume())
        if (tail === '\r\n.\r\n') socket.write('250 2.0.0 Queued\r\n')
      }
    })
  })
  const connection = await connect(t, server)
  let pulled = 0
  const mailData = {
    size: line.length * count,
    async *open() {
      for (let n = 0; n < 100; n++) {
        // A client that does not wait would have taken everything before the first byte arrived.
        pulled++
        yield Buffer.from(line.repeat(count / 100))
      }
    },
  }
  assert.deepEqual(inWords(await connection.send(transactionTo([boris], { mailData }))), ['accepted 250'])
  assert.equal(received, line.length * count + '.\r\n'.length)
  assert.equal(pulled, 100)
})

/** A server that knows BDAT, answers its first line with `reply` or not at all, and keeps what comes behind it. */
async function chunkServer(t: TestContext, reply?: string) {
  let behind = ''
  let inChunk = false
  const closed = Promise.withResolvers<void>()
  const server = await listen(t, socket => {
    socket.on('close', () => closed.resolve())
    socket.write('220 Hi\r\n')
    socket.on('data', chunk => {
      const text = chunk.toString('latin1')
      if (inChunk) behind += text
      else if (text.startsWith('EHLO')) socket.write('250-Hi\r\n250-CHUNKING\r\n250 BINARYMIME\r\n')
      else if (text.startsWith('BDAT')) {
        inChunk = true
        behind += text.slice(text.indexOf('\n') + 1)
        if (reply !== undefined) socket.write(`${reply}\r\n`)
      } else socket.write('250 Ok\r\n')
    })
  })
  return { ...server, behind: () => behind, closed: closed.promise }
}

test('BDAT: refused before the end of the chunk, the rest is not sent', async t => {
  const server = await chunkServer(t, '552 5.3.4 Too big')
  const watch = new DialogueWatch()
  const connection = await connect(t, server, { ...openly, onDialogue: watch.onDialogue })
  const mailData = {
    size: 12,
    async *open() {
      yield Buffer.from('first')
      await watch.line('S: 552')
      yield Buffer.from('second')
      yield Buffer.from('!')
    },
  }
  const results = await connection.send(transactionTo([boris], { body: 'BINARYMIME', mailData }))
  assert.deepEqual(inWords(results), ['refused 552 at end-of-data'])
  // The server would wait for the rest of the chunk, or take the next command for it.
  assert.equal(connection.usable, false)
})

for (const { what, chunks } of [
  { what: 'more', chunks: ['four', 'QUIT\r\n'] },
  { what: 'less', chunks: ['fou'] },
]) {
  test(`BDAT: mail data with ${what} bytes than were announced is our fault, and no command`, async t => {
    const server = await chunkServer(t)
    const connection = await connect(t, server)
    const mailData = { ...mailDataOf(...chunks), size: 4 }
    await assert.rejects(
      connection.send(transactionTo([boris], { body: 'BINARYMIME', mailData })),
      /was said to have 4 bytes/,
    )
    assert.equal(connection.usable, false)
    assert.ok(!server.behind().includes('QUIT'))
  })
}

test('BDAT: mail data that turns out to be damaged at its end never becomes a message', async t => {
  const server = await chunkServer(t)
  const connection = await connect(t, server)
  const mailData = {
    size: 10,
    async *open() {
      yield Buffer.from('first')
      yield Buffer.from('final')
      yield Buffer.alloc(0)
      await Promise.reject(new Error('differs from its checksum'))
    },
  }
  await assert.rejects(
    connection.send(transactionTo([boris], { body: 'BINARYMIME', mailData })),
    /differs from its checksum/,
  )
  connection.close()
  await server.closed
  assert.ok('first'.startsWith(server.behind()), server.behind())
})

test('QUIT says good-bye, and the connection is over', async t => {
  const peer = await peerFor(t)
  const connection = await connect(t, peer)
  await connection.quit()
  assert.equal(peer.commands.at(-1), 'QUIT')
  assert.equal(connection.usable, false)
  await connection.quit()
  assert.equal(peer.commands.filter(command => command === 'QUIT').length, 1)
})

test('a server that does not wait for QUIT is no trouble', async t => {
  const peer = await peerFor(t, { script: answers({ QUIT: 'close' }) })
  const connection = await connect(t, peer)
  await connection.quit()
  assert.equal(connection.usable, false)
})

const dsn: Partial<OutgoingTransaction> = { ret: 'FULL', envelopeId: 'QQ+31=4 a', body: '8BITMIME' }
const withDsn = recipient(boris, {
  notify: ['SUCCESS', 'DELAY'],
  originalRecipient: 'rfc822;b+o=r@example.org',
})
const size = mailDataOf(text).size

for (const { what, extensions, sent, commands } of [
  {
    what: 'SIZE, DSN and 8BITMIME where offered',
    extensions: ['SIZE 100000', 'DSN', '8BITMIME', 'SMTPUTF8'],
    sent: transactionTo([withDsn, recipient(clara, { notify: [] })], dsn),
    commands: [
      `MAIL FROM:<anna@example.test> SIZE=${size} BODY=8BITMIME RET=FULL ENVID=QQ+2B31+3D4+20a`,
      'RCPT TO:<boris@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bo+3Dr@example.org',
      'RCPT TO:<clara@example.org> NOTIFY=NEVER',
    ],
  },
  {
    what: 'nothing of DSN and SIZE where they are not',
    extensions: ['8BITMIME'],
    sent: transactionTo([withDsn, recipient(clara, { notify: [] })], dsn),
    commands: [
      'MAIL FROM:<anna@example.test> BODY=8BITMIME',
      'RCPT TO:<boris@example.org>',
      'RCPT TO:<clara@example.org>',
    ],
  },
  {
    what: 'no BODY and no SMTPUTF8 for a message that needs neither',
    extensions: ['SIZE', '8BITMIME', 'SMTPUTF8', 'BINARYMIME', 'CHUNKING', 'DSN'],
    sent: transactionTo(['boris@xn--e1afmkfd.xn--80akhbyknj4f']),
    commands: [`MAIL FROM:<anna@example.test> SIZE=${size}`, 'RCPT TO:<boris@xn--e1afmkfd.xn--80akhbyknj4f>'],
  },
  {
    what: 'SMTPUTF8 for a header section that needs it',
    extensions: ['SMTPUTF8'],
    sent: transactionTo([boris], { smtpUtf8: true }),
    commands: ['MAIL FROM:<anna@example.test> SMTPUTF8', 'RCPT TO:<boris@example.org>'],
  },
  {
    what: 'SMTPUTF8 for an address that needs it',
    extensions: ['SMTPUTF8'],
    sent: transactionTo(['почта@пример.испытание'], { reversePath: null }),
    commands: ['MAIL FROM:<> SMTPUTF8', 'RCPT TO:<почта@xn--e1afmkfd.xn--80akhbyknj4f>'],
  },
  {
    what: 'a local-part in quotation marks where it needs them',
    extensions: [],
    sent: transactionTo(['"a > b\\"c"@example.org']),
    commands: ['MAIL FROM:<anna@example.test>', 'RCPT TO:<"a > b\\"c"@example.org>'],
  },
]) {
  test(`parameters: ${what}`, async t => {
    const peer = await peerFor(t, { extensions })
    const connection = await connect(t, peer)
    await connection.send(sent)
    const envelope = peer.commands.filter(command => /^(?:MAIL|RCPT)/.test(command))
    // The peer keeps octets.
    assert.deepEqual(
      envelope.map(command => Buffer.from(command, 'latin1').toString()),
      commands,
    )
  })
}

for (const { needed, sent } of [
  { needed: '8BITMIME', sent: transactionTo([boris, clara], { body: '8BITMIME' }) },
  { needed: 'BINARYMIME and CHUNKING', sent: transactionTo([boris, clara], { body: 'BINARYMIME' }) },
  { needed: 'SMTPUTF8', sent: transactionTo([boris, 'клара@example.org']) },
  {
    needed: 'SMTPUTF8',
    sent: transactionTo([boris, clara], { reversePath: { localPart: 'анна', domain: 'example.test' } }),
  },
]) {
  test(`a server without ${needed} is not even asked`, async t => {
    const peer = await peerFor(t, { extensions: ['PIPELINING'] })
    const connection = await connect(t, peer)
    const results = await connection.send(sent)
    assert.deepEqual(inWords(results), Array(2).fill('failed extension-missing at mail'))
    const [{ result } = assert.fail()] = results
    assert.ok(result.kind === 'failed' && result.failure.detail.includes(`not offer ${needed},`))
    assert.deepEqual(peer.commands, ['EHLO client.example.org'])
    assert.equal(connection.usable, true)
  })
}
