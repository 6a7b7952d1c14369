// A milter as a scanner of whole messages: what it is told, and what its answers come to.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/runtime/clock.ts'
import type { ScanReport } from '../../src/scanner/contract.ts'
import { createMilterScanner } from '../../src/scanner/milter/milter-scanner.ts'
import { actions, formatPacket, texts, uint32 } from '../../src/scanner/milter/packets.ts'
import { startMilter } from './fake-milter.ts'
import { plainMessage, specimen } from './specimen.ts'

const never = new AbortController().signal

async function scan(
  t: TestContext,
  answers: Parameters<typeof startMilter>[1] = {},
  signal = never,
): Promise<{ readonly report: ScanReport; readonly heard: readonly { kind: string; text: string }[] }> {
  const milter = await startMilter(t, answers)
  const scanner = createMilterScanner({
    endpoint: milter.endpoint,
    hostname: 'mx.example.test',
    clock: systemClock,
  })
  return { report: await scanner.scan(specimen(plainMessage), signal), heard: milter.heard }
}

test('it is told the session, each field and the body', async t => {
  const { report, heard } = await scan(t)
  assert.deepEqual(report, { advice: 'accept', findings: [], headerFields: [] })
  const told = heard.filter(({ kind }) => kind !== 'D' && kind !== 'O' && kind !== 'Q')
  assert.deepEqual(
    told.map(({ kind }) => kind).join(''),
    'CHMRRTLLLLLNBE'.replace('B', 'B'.repeat(told.filter(({ kind }) => kind === 'B').length)),
  )
  assert.ok(told.some(({ kind, text }) => kind === 'L' && text === 'Subject\0Lunch\0'))
  assert.equal(
    told
      .filter(({ kind }) => kind === 'B')
      .map(({ text }) => text)
      .join(''),
    'At noon?\r\n',
  )
})

test('what it says becomes advice, what it adds becomes fields', async t => {
  const added = [
    formatPacket('h', texts('X-Seen', 'yes')),
    formatPacket('i', uint32(0), texts('Authentication-Results', 'mx; none')),
  ]
  assert.deepEqual((await scan(t, { E: [...added, formatPacket('a')] })).report, {
    advice: 'accept',
    findings: [],
    headerFields: [
      { name: 'X-Seen', value: 'yes' },
      { name: 'Authentication-Results', value: 'mx; none' },
    ],
  })
  assert.deepEqual((await scan(t, { E: [formatPacket('q', texts('odd')), formatPacket('c')] })).report, {
    advice: 'quarantine',
    findings: [],
    headerFields: [],
    text: 'odd',
  })
  assert.deepEqual((await scan(t, { R: [formatPacket('y', texts('550 5.7.1 not here'))] })).report, {
    advice: 'refuse',
    findings: [],
    text: 'not here',
  })
  assert.equal((await scan(t, { E: [formatPacket('t')] })).report.advice, 'defer')
  assert.equal((await scan(t, { E: [formatPacket('d')] })).report.advice, 'quarantine')
})

test('what it changes is told, in its order', async t => {
  const { report } = await scan(t, {
    E: [
      formatPacket('h', texts('X-Seen', 'yes')),
      formatPacket('m', uint32(1), texts('Subject', 'new')),
      formatPacket('m', uint32(2), texts('Received', '')),
      formatPacket('b', 'one '),
      formatPacket('b', 'two\r\n'),
      formatPacket('+', texts('<archive@example.test>')),
      formatPacket('2', texts('<second@example.test>', 'NOTIFY=NEVER')),
      formatPacket('-', texts('<anna@example.test>')),
      formatPacket('e', texts('<>')),
      formatPacket('c'),
    ],
  })
  assert.deepEqual(report, {
    advice: 'accept',
    findings: [],
    changes: {
      fields: [
        { kind: 'add', name: 'X-Seen', value: 'yes' },
        { kind: 'change', index: 1, name: 'Subject', value: 'new' },
        { kind: 'change', index: 2, name: 'Received', value: undefined },
      ],
      body: Buffer.from('one two\r\n'),
      addedRecipients: ['archive@example.test', 'second@example.test'],
      removedRecipients: ['anna@example.test'],
      reversePath: '',
    },
  })
})

test('one that wants what no server of its version offers is told so; one that hangs costs the time that it has', async t => {
  const greedy = await startMilter(t, {}, { wanted: actions.setMacros })
  const scanner = createMilterScanner({ endpoint: greedy.endpoint, hostname: 'mx', clock: systemClock })
  await assert.rejects(scanner.scan(specimen(plainMessage), never), {
    code: 'SCANNER_CONFUSED',
    message: /what its protocol does not know/,
  })
  const patience = new AbortController()
  const hanging = await startMilter(t, { M: [] })
  const asked = createMilterScanner({ endpoint: hanging.endpoint, hostname: 'mx', clock: systemClock }).scan(
    specimen(plainMessage),
    patience.signal,
  )
  const isAsked = (): boolean => hanging.heard.some(({ kind }) => kind === 'M')
  while (!isAsked()) await new Promise(resolve => setImmediate(resolve))
  patience.abort()
  await assert.rejects(asked, { code: 'SCANNER_UNAVAILABLE' })
})
