// The milter client against a milter of the test's that follows a script, and against answers that no milter may give.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/runtime/clock.ts'
import { Milter } from '../../src/scanner/milter/milter.ts'
import { actions, formatPacket, protocol, texts, uint32 } from '../../src/scanner/milter/packets.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { startMilter } from './fake-milter.ts'
import { type FakeScanner, startFakeScanner } from './fake-scanner.ts'

async function open(t: TestContext, { endpoint }: FakeScanner): Promise<Milter> {
  const milter = await Milter.open({ endpoint, timeoutMs: 5000, clock: systemClock })
  t.after(() => milter.close())
  return milter
}

async function* bodyOf(...pieces: readonly string[]): AsyncIterable<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece)
}

const peer = { hostName: 'client.example.net', address: '2001:db8::7', port: 40_000 }
const headerFields = [
  { name: 'From', value: ' Boris <boris@example.net>' },
  { name: 'Subject', value: ' a\r\n b' },
]

test('a session is told step by step, with its macros', async t => {
  const fake = await startMilter(t)
  const milter = await open(t, fake)
  assert.deepEqual(await milter.connect(peer, { j: 'mx.example.test', '{absent}': undefined }), {
    kind: 'continue',
  })
  await milter.hello('client.example.net')
  await milter.mail('boris@example.net', ['SIZE=10', 'BODY=8BITMIME'], { '{auth_authen}': 'anna' })
  await milter.recipient('вера@пример.рф', [])
  await milter.data()
  const conclusion = await milter.message({ headerFields, body: bodyOf('At noon?\r\n') }, { i: '0AN' })
  assert.deepEqual(conclusion, { verdict: { kind: 'continue' }, changes: [] })
  assert.deepEqual(fake.heard.map(({ kind, text }) => `${kind} ${JSON.stringify(text)}`).slice(1), [
    'D "Cj\\u0000mx.example.test\\u0000"',
    'C "client.example.net\\u00006\ufffd@2001:db8::7\\u0000"',
    'H "client.example.net\\u0000"',
    'D "M{auth_authen}\\u0000anna\\u0000"',
    'M "<boris@example.net>\\u0000SIZE=10\\u0000BODY=8BITMIME\\u0000"',
    'R "<вера@пример.рф>\\u0000"',
    'T ""',
    'L "From\\u0000Boris <boris@example.net>\\u0000"',
    'L "Subject\\u0000a\\n b\\u0000"',
    'D "Ni\\u00000AN\\u0000"',
    'N ""',
    'B "At noon?\\r\\n"',
    'D "Ei\\u00000AN\\u0000"',
    'E ""',
  ])
})

test('what it does not want to hear is not said, and what it does not answer is not waited for', async t => {
  const without =
    protocol.noConnect |
    protocol.noHello |
    protocol.noData |
    protocol.noReplyToHeader |
    protocol.keepsLeadingBlank
  const fake = await startMilter(t, { L: [] }, { without })
  const milter = await open(t, fake)
  await milter.connect(peer)
  await milter.hello('client.example.net')
  await milter.mail('', [])
  await milter.recipient('anna@example.test', [])
  await milter.data()
  await milter.message({ headerFields, body: bodyOf() })
  assert.deepEqual(
    fake.heard.map(({ kind, text }) => (kind === 'L' ? text : kind)),
    ['O', 'M', 'R', 'From\0 Boris <boris@example.net>\0', 'Subject\0 a\n b\0', 'N', 'E'],
  )
})

test('each change at the end of the body is handed on, signs of life are not', async t => {
  const fake = await startMilter(t, {
    E: [
      formatPacket('p'),
      formatPacket('h', texts('X-Seen', 'yes')),
      formatPacket('i', uint32(0), texts('X-First', ' 1')),
      formatPacket('m', uint32(2), texts('Received', '')),
      formatPacket('m', uint32(1), texts('Subject', 'new')),
      formatPacket('+', texts('<copy@example.test>')),
      formatPacket('-', texts('<anna@example.test>')),
      formatPacket('e', texts('<other@example.net>', 'SIZE=1')),
      formatPacket('b', 'new '),
      formatPacket('b', 'body\r\n'),
      formatPacket('q', texts('odd\r\nlooking')),
      formatPacket('p'),
      formatPacket('a'),
    ],
  })
  const milter = await open(t, fake)
  const { verdict, changes } = await milter.message({ headerFields, body: bodyOf('x') })
  assert.deepEqual(verdict, { kind: 'accept' })
  assert.deepEqual(changes, [
    { kind: 'edit-field', edit: { kind: 'add', name: 'X-Seen', value: 'yes' } },
    { kind: 'edit-field', edit: { kind: 'insert', index: 0, name: 'X-First', value: ' 1' } },
    { kind: 'edit-field', edit: { kind: 'change', index: 2, name: 'Received', value: undefined } },
    { kind: 'edit-field', edit: { kind: 'change', index: 1, name: 'Subject', value: 'new' } },
    { kind: 'add-recipient', address: 'copy@example.test' },
    { kind: 'delete-recipient', address: 'anna@example.test' },
    { kind: 'change-sender', address: 'other@example.net' },
    { kind: 'replace-body', piece: Buffer.from('new ') },
    { kind: 'replace-body', piece: Buffer.from('body\r\n') },
    { kind: 'quarantine', reason: 'odd  looking' },
  ])
})

test('each refusal becomes a reply that can only refuse', async t => {
  const replyTo = async (answer: Buffer): Promise<unknown> => {
    const milter = await open(t, await startMilter(t, { R: [answer] }))
    return await milter.recipient('anna@example.test', [])
  }
  assert.deepEqual(await replyTo(formatPacket('r')), {
    kind: 'refused',
    reply: { code: 550, enhanced: '5.7.1', lines: ['Command rejected'] },
  })
  assert.deepEqual(await replyTo(formatPacket('t')), {
    kind: 'refused',
    reply: { code: 451, enhanced: '4.7.1', lines: ['Service unavailable - try again later'] },
  })
  assert.deepEqual(await replyTo(formatPacket('y', texts('554 5.7.9 go away'))), {
    kind: 'refused',
    reply: { code: 554, enhanced: '5.7.9', lines: ['go away'] },
  })
  assert.deepEqual(await replyTo(formatPacket('y', texts('450-4.2.0 come\r\n450 4.2.0 later'))), {
    kind: 'refused',
    reply: { code: 450, enhanced: '4.2.0', lines: ['come', 'later'] },
  })
  assert.deepEqual(await replyTo(formatPacket('4')), {
    kind: 'refused',
    reply: { code: 421, enhanced: '4.7.0', lines: ['Closing the connection'] },
  })
  await assert.rejects(replyTo(formatPacket('y', texts('250 2.0.0 all is well'))), {
    code: 'SCANNER_CONFUSED',
  })
  await assert.rejects(replyTo(formatPacket('z')), { code: 'SCANNER_CONFUSED' })
})

test('it hears no more of a message that it has judged, nor of a body of which it has seen enough', async t => {
  const refusing = await startMilter(t, { L: [formatPacket('r')] })
  const first = await open(t, refusing)
  assert.equal((await first.message({ headerFields, body: bodyOf('x') })).verdict.kind, 'refused')
  assert.deepEqual(
    refusing.heard.map(({ kind }) => kind),
    ['O', 'L'],
  )
  const skipping = await startMilter(t, { B: [formatPacket('s')] })
  const second = await open(t, skipping)
  assert.deepEqual(await second.message({ headerFields, body: bodyOf('x', 'y', 'z') }), {
    verdict: { kind: 'continue' },
    changes: [],
  })
  assert.deepEqual(
    skipping.heard.map(({ kind }) => kind),
    ['O', 'L', 'L', 'N', 'B', 'E'],
  )
})

test('a milter that wants what this server does not offer, or is none, is told apart', async t => {
  const greedy = await startMilter(t, {}, { wanted: actions.setMacros })
  await assert.rejects(Milter.open({ endpoint: greedy.endpoint, timeoutMs: 5000, clock: systemClock }), {
    code: 'SCANNER_CONFUSED',
  })
  const web = await startFakeScanner(t, socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await assert.rejects(Milter.open({ endpoint: web.endpoint, timeoutMs: 5000, clock: systemClock }), {
    code: 'SCANNER_CONFUSED',
  })
})

test('a milter that hangs costs its time and no more', async t => {
  const clock = createManualClock()
  const fake = await startMilter(t, { M: [] })
  const milter = await Milter.open({ endpoint: fake.endpoint, timeoutMs: 30_000, clock })
  const asked = milter.mail('', [])
  asked.catch(() => {})
  // Its time runs from the question.
  await new Promise(resolve => setImmediate(resolve))
  clock.advance(30_000)
  await assert.rejects(asked, { code: 'SCANNER_UNAVAILABLE', message: /did not answer in time/ })
  await assert.rejects(milter.recipient('anna@example.test', []), { code: 'SCANNER_UNAVAILABLE' })
})

test('one that goes away in the middle is told as such', async t => {
  const fake = await startFakeScanner(t, (socket, all) => {
    if (all.length < 40) socket.write(formatPacket('O', uint32(6, 0, 0)))
    else socket.destroy()
  })
  const milter = await Milter.open({ endpoint: fake.endpoint, timeoutMs: 5000, clock: systemClock })
  await assert.rejects(milter.message({ headerFields, body: bodyOf('x'.repeat(200_000)) }), (cause: Error) =>
    /gave no answer: (it closed the connection|cut by|closed by)/.test(cause.message),
  )
})
