// Servers that fall silent: each step has its deadline (RFC 5321 §4.5.3.2), on a clock that the test moves.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RecipientResult, SmtpClientOptions } from '../../src/smtp/client/contract.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'
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

const second = 1000
const minute = 60 * second

/** Turns in which the client has time to read what has come, and to set its next deadline. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn()
}

/** Nothing happens up to the last millisecond, and then it does. */
async function expectDeadline(clock: ManualClock, ms: number, ended: Promise<unknown>): Promise<void> {
  let over = false
  void ended.then(
    () => (over = true),
    () => (over = true),
  )
  await settle()
  clock.advance(ms - 1)
  await settle()
  assert.equal(over, false, 'not before its time')
  clock.advance(1)
  await settle()
  assert.equal(over, true, 'at its time')
}

for (const { at, verb, stage } of [
  { at: '(connect)', verb: undefined, stage: 'greeting' },
  { at: 'EHLO', verb: 'EHLO', stage: 'hello' },
  { at: 'STARTTLS', verb: 'STARTTLS', stage: 'tls' },
  { at: 'AUTH', verb: 'AUTH', stage: 'auth' },
] as const) {
  test(`silence before a transaction: ${stage}, five minutes`, async t => {
    const clock = createManualClock()
    const peer = await peerFor(t, {
      extensions: ['AUTH PLAIN', ...(stage === 'tls' ? ['STARTTLS'] : [])],
      script: command => (command.startsWith(at) ? 'silence' : undefined),
    })
    const auth = { username: 'anna', password: 'secret' }
    const connecting = failureOf(
      connect(t, peer, { tls: 'opportunistic', auth, allowPlaintextAuth: true, clock }),
    )
    if (verb) await peer.seen(verb)
    else while (peer.connections === 0) await nextTurn()
    await expectDeadline(clock, 5 * minute, connecting)
    const facts = await connecting
    assert.equal(facts.kind, 'timeout')
    assert.equal(facts.stage, stage)
    assert.match(facts.detail, /did not answer within 300 s/)
  })
}

for (const { at, extensions, stage, ms } of [
  { at: 'MAIL', extensions: [], stage: 'mail', ms: 5 * minute },
  { at: 'RCPT', extensions: [], stage: 'rcpt', ms: 5 * minute },
  { at: 'DATA', extensions: [], stage: 'data', ms: 2 * minute },
  { at: '(end of data)', extensions: [], stage: 'end-of-data', ms: 10 * minute },
  { at: 'MAIL', extensions: ['PIPELINING'], stage: 'mail', ms: 5 * minute },
  { at: 'DATA', extensions: ['PIPELINING'], stage: 'data', ms: 5 * minute },
  { at: '(end of data)', extensions: ['PIPELINING'], stage: 'end-of-data', ms: 10 * minute },
]) {
  test(`silence within a transaction${extensions.length > 0 ? ', pipelined' : ''}: ${stage}, ${ms / minute} minutes`, async t => {
    const clock = createManualClock()
    let silent: () => void = () => {}
    const fellSilent = new Promise<void>(resolve => {
      silent = resolve
    })
    const peer = await peerFor(t, {
      extensions,
      script(command) {
        if (!command.startsWith(at)) return undefined
        silent()
        return 'silence'
      },
    })
    const watch = new DialogueWatch()
    const connection = await connect(t, peer, { ...openly, clock, onDialogue: watch.onDialogue })
    const sending = connection.send(transactionTo())
    await fellSilent
    if (stage === 'data') await watch.line('S: 250 2.1.5')
    await expectDeadline(clock, ms, sending)
    assert.deepEqual(inWords(await sending), [`failed timeout at ${stage}`])
    assert.equal(connection.usable, false)
  })
}

test('an answer in time: the next one has the whole time again', async t => {
  const clock = createManualClock()
  const peer = await peerFor(t, {
    extensions: [],
    script: command => (/^(?:MAIL|RCPT)/.test(command) ? 'silence' : undefined),
  })
  const connection = await connect(t, peer, { ...openly, clock })
  const sending = connection.send(transactionTo())
  for (const verb of ['MAIL', 'RCPT']) {
    await peer.seen(verb)
    clock.advance(5 * minute - 1)
    peer.answer('250 2.1.0 Ok')
  }
  assert.deepEqual(inWords(await sending), ['accepted 250'])
})

test('a patience of its own holds for every reply, but not for the end of the message', async t => {
  const clock = createManualClock()
  const peer = await peerFor(t, {
    script: command => (command === '(end of data)' || command.startsWith('EHLO') ? 'silence' : undefined),
  })
  const options: Partial<SmtpClientOptions> = { ...openly, clock, commandTimeoutMs: 10 * second }
  const connecting = failureOf(connect(t, peer, options))
  await peer.seen('EHLO')
  await expectDeadline(clock, 10 * second, connecting)
  peer.script = command => (command === '(end of data)' ? 'silence' : undefined)
  const watch = new DialogueWatch()
  const connection = await connect(t, peer, { ...options, onDialogue: watch.onDialogue })
  const sending = connection.send(transactionTo())
  await watch.line('C: (')
  await expectDeadline(clock, 10 * minute, sending)
  assert.deepEqual(inWords(await sending), ['failed timeout at end-of-data'])
})

test('silence after QUIT', async t => {
  const clock = createManualClock()
  const peer = await peerFor(t, { script: command => (command === 'QUIT' ? 'silence' : undefined) })
  const connection = await connect(t, peer, { ...openly, clock })
  const quitting = connection.quit()
  await peer.seen('QUIT')
  await expectDeadline(clock, 5 * minute, quitting)
})

test('a server that stops taking the message', async t => {
  const clock = createManualClock()
  const server = await listen(t, speakUpToData)
  const connection = await connect(t, server, { ...openly, clock })
  let begun: () => void = () => {}
  const beginning = new Promise<void>(resolve => {
    begun = resolve
  })
  const endless = {
    size: Number.MAX_SAFE_INTEGER,
    async *open() {
      begun()
      for (;;) yield Buffer.alloc(64 * 1024, 'x')
    },
  }
  const results: RecipientResult[] = []
  const sending = connection.send(transactionTo(undefined, { mailData: endless })).then(found => {
    results.push(...found)
  })
  await beginning
  while (results.length === 0) {
    await settle()
    clock.advance(3 * minute)
  }
  await sending
  // Before the end of the message: it cannot have been taken.
  assert.deepEqual(inWords(results), ['failed timeout at data'])
  assert.match(JSON.stringify(results), /stopped taking data for 180 s/)
})

/** Answers each command, and reads nothing more after 354. */
function speakUpToData(socket: Socket): void {
  socket.write('220 Hi\r\n')
  socket.on('data', chunk => {
    if (chunk.toString().startsWith('DATA')) {
      socket.write('354 Go on\r\n')
      socket.pause()
    } else socket.write('250 Ok\r\n')
  })
}

test('a handshake that never ends', async t => {
  for (const tls of ['implicit', 'starttls'] as const) {
    const clock = createManualClock()
    const hello = await silentAtHandshake(t, tls === 'implicit')
    const connecting = failureOf(connect(t, hello.server, { tls, clock, connectTimeoutMs: 30 * second }))
    await hello.came
    await expectDeadline(clock, tls === 'implicit' ? 30 * second : minute, connecting)
    const facts = await connecting
    assert.equal(facts.stage, 'tls', tls)
    assert.match(facts.detail, /took longer than/)
  }
})

/** Speaks up to the ClientHello; `came` resolves with it. */
async function silentAtHandshake(
  t: TestContext,
  implicit: boolean,
): Promise<{ server: { port: number }; came: Promise<void> }> {
  let resolve: () => void = () => {}
  const came = new Promise<void>(settled => {
    resolve = settled
  })
  const server = await listen(t, socket => {
    if (!implicit) socket.write('220 Hi\r\n')
    socket.on('data', chunk => {
      const command = chunk.toString('latin1')
      if (command.startsWith('EHLO')) socket.write('250-Hi\r\n250 STARTTLS\r\n')
      else if (command.startsWith('STARTTLS')) socket.write('220 Go on\r\n')
      else resolve()
    })
  })
  return { server, came }
}
