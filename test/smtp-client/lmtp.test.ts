// LMTP from our side (RFC 2033): what each recipient is told is its own outcome.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { UsageFault } from '../../src/runtime/fault.ts'
import { connectSmtp } from '../../src/smtp/client/connect.ts'
import type { SmtpConnection } from '../../src/smtp/client/contract.ts'
import { type Answers, onPort, socketPath, startLmtpStore } from '../harness/lmtp-store.ts'
import {
  connect,
  DialogueWatch,
  failureOf,
  inWords,
  listen,
  mailDataOf,
  text,
  transactionTo,
} from './open-client.ts'

const anna = 'anna@example.test'
const boris = 'boris@example.test'
const clara = 'clara@example.test'
const lmtp = { tls: 'never', protocol: 'lmtp' } as const

const answers: Answers = {
  end(localPart) {
    if (localPart === 'boris') return { code: 552, enhanced: '5.2.2', lines: ['Full'] }
    return localPart === 'clara' ? { code: 451, enhanced: '4.2.0', lines: ['Locked'] } : undefined
  },
}

const each = ['accepted 250', 'refused 552 at end-of-data', 'refused 451 at end-of-data']

async function sendTwice(connection: SmtpConnection): Promise<void> {
  assert.deepEqual(inWords(await connection.send(transactionTo([anna, boris, clara]))), each)
  // By BDAT, on the same connection.
  const binary = transactionTo([boris, anna], { body: 'BINARYMIME', mailData: mailDataOf('a\0b') })
  assert.deepEqual(inWords(await connection.send(binary)), ['refused 552 at end-of-data', 'accepted 250'])
  assert.ok(connection.usable)
}

test('over TCP: a reply for each, and the connection serves on', async t => {
  const store = await startLmtpStore(t, onPort, answers)
  const watch = new DialogueWatch()
  await sendTwice(await connect(t, store, { ...lmtp, onDialogue: watch.onDialogue }))
  assert.ok(watch.lines.includes('C: LHLO client.example.org'))
  const reversePath = 'anna@example.test'
  assert.deepEqual(store.taken, [
    { reversePath, forwardPaths: [anna, boris, clara], mailData: text },
    { reversePath, forwardPaths: [boris, anna], mailData: 'a\0b' },
  ])
  assert.equal(store.connections(), 1)
})

test('over a UNIX socket the same, and nobody has an address', async t => {
  const path = await socketPath(t)
  const store = await startLmtpStore(t, { role: 'lmtp', path }, answers)
  const options = {
    ...lmtp,
    host: 'localhost',
    helloName: 'client.example.org',
    verifyCertificate: false,
    path,
  }
  const connection = await connectSmtp(options)
  t.after(() => connection.close())
  assert.equal(connection.remoteAddress, `unix:${path}`)
  await sendTwice(connection)
  assert.equal(store.taken.length, 2)
  const nobody = await failureOf(connectSmtp({ ...options, path: `${path}-other` }))
  assert.equal(nobody.kind, 'refused-connection')
  await assert.rejects(connectSmtp({ ...options, port: 24 }), UsageFault)
  const { path: _path, ...nowhere } = options
  await assert.rejects(connectSmtp(nowhere), UsageFault)
})

/** Answers each group of lines with the next of these, and closes behind the last. */
const script =
  (...answers: readonly string[]) =>
  (socket: Socket): void => {
    let step = 0
    const say = (): void => {
      const answer = `${(answers[step++] ?? '').replaceAll('\n', '\r\n')}\r\n`
      if (step < answers.length) socket.write(answer)
      else socket.end(answer)
    }
    say()
    socket.on('data', say)
  }

const hello = ['220 store', '250-store\n250 PIPELINING'] as const

test('a server that goes away between its replies has answered those before', async t => {
  const store = await listen(
    t,
    script(...hello, '250 Ok\n250 Ok\n250 Ok\n250 Ok\n354 Go on', '250 Delivered\n552 Full'),
  )
  const connection = await connect(t, store, lmtp)
  assert.deepEqual(inWords(await connection.send(transactionTo([anna, boris, clara]))), [
    'accepted 250',
    'refused 552 at end-of-data',
    'failed closed at end-of-data',
  ])
  assert.equal(connection.usable, false)
})

test('a server that answers before the end of the message has refused it to all', async t => {
  const store = await listen(t, script(...hello, '250 Ok\n250 Ok\n250 Ok\n354 Go on', '552 Too big'))
  const connection = await connect(t, store, lmtp)
  const pieces = Array.from({ length: 200 }, () => Buffer.alloc(64 * 1024, 'a'))
  assert.deepEqual(
    inWords(await connection.send(transactionTo([anna, boris], { mailData: mailDataOf(...pieces) }))),
    ['refused 552 at end-of-data', 'refused 552 at end-of-data'],
  )
  assert.equal(connection.usable, false)
})

test('a server that does not speak LMTP is not spoken to in SMTP', async t => {
  const watch = new DialogueWatch()
  const store = await listen(t, script('220 store', '500 What is LHLO?', '221 Bye'))
  const failure = await failureOf(connect(t, store, { ...lmtp, onDialogue: watch.onDialogue }))
  assert.equal(failure.stage, 'hello')
  assert.equal(failure.reply?.code, 500)
  assert.deepEqual(
    watch.lines.filter(line => line.startsWith('C: ')),
    ['C: LHLO client.example.org', 'C: QUIT'],
  )
})

test('354 for nobody: the connection is given up, for no reply would follow', async t => {
  const store = await listen(t, script(...hello, '250 Ok\n550 No\n354 Go on'))
  const connection = await connect(t, store, lmtp)
  assert.deepEqual(inWords(await connection.send(transactionTo([anna]))), ['refused 550 at rcpt'])
  assert.equal(connection.usable, false)
})
