// What a milter makes of strangers' mail: seen by our users, by who gets it besides, and in the trail.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { listQuarantine } from '../../src/queue/quarantine.ts'
import { formatScannerEndpoint } from '../../src/scanner/exchange.ts'
import { formatPacket, texts, uint32 } from '../../src/scanner/milter/packets.ts'
import { type ComposedServer, startComposedServer, unauthenticated } from '../harness/composed-server.ts'
import { startMilter } from '../scanner/fake-milter.ts'
import { sendAsStranger } from '../scanner/send-as-stranger.ts'

async function start(t: TestContext, answers: readonly Buffer[]): Promise<ComposedServer> {
  const { endpoint } = await startMilter(t, { E: [...answers, formatPacket('c')] })
  return await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test' }, { address: 'archive@here.test' }],
    isBehindProxy: true,
    settings: {
      mailAuthentication: unauthenticated,
      scanners: [{ kind: 'milter', at: formatScannerEndpoint(endpoint) }],
    },
  })
}

/** The server's own fields, which stand before all others, are left out. */
function withoutTrace(message: string | undefined): string {
  return (message ?? '').replace(/^[^]*?(?=^(?:From|Subject|X-|To):)/m, '')
}

async function notesOf(server: ComposedServer, reply: { readonly text: string }): Promise<readonly string[]> {
  const queueId = /queued as (\S+)/.exec(reply.text)?.[1] ?? assert.fail(reply.text)
  const screened = (await server.trail(queueId)).find(({ kind }) => kind === 'screened')
  return screened ? (describeEvent(screened).notes ?? []) : []
}

test('fields and body are changed as it says, and the trail tells of it', async t => {
  const server = await start(t, [
    formatPacket('m', uint32(1), texts('Subject', '[outside] Lunch')),
    formatPacket('h', texts('X-Seen', 'yes')),
    formatPacket('b', 'At one.\n'),
    formatPacket('b', 'Grüße\n'),
  ])
  const reply = await sendAsStranger(server, 'Lunch')
  assert.equal(reply.code, 250)
  await server.settled()
  const [message] = await server.mailbox('anna@here.test')
  assert.equal(
    withoutTrace(message),
    'From: boris@example.net\r\nSubject: [outside] Lunch\r\nX-Seen: yes\r\n\r\nAt one.\r\nGrüße\r\n',
  )
  const [note] = await notesOf(server, reply)
  assert.match(
    note ?? '',
    /^changed by milter at \S+: other fields \(Subject, X-Seen\); another body \(16 bytes\)$/,
  )
})

test('who gets it besides, and who does not; a large message too', async t => {
  const server = await start(t, [
    formatPacket('+', texts('<archive@here.test>')),
    formatPacket('-', texts('<ANNA@here.test>')),
    formatPacket(
      'b',
      Buffer.from('A line of a hundred bytes, more or less, as people do not write them.\r\n'.repeat(3000)),
    ),
    formatPacket('e', texts('<bounces@here.test>')),
  ])
  const reply = await sendAsStranger(server, 'Lunch')
  await server.settled()
  assert.deepEqual(await server.mailbox('anna@here.test'), [])
  const [message = ''] = await server.mailbox('archive@here.test')
  assert.match(message, /^Return-Path: <bounces@here\.test>\r$/m)
  assert.equal(message.match(/A line of a hundred bytes/g)?.length, 3000)
  const [note] = await notesOf(server, reply)
  assert.match(
    note ?? '',
    /another sender \(<bounces@here\.test>\); further recipients \(archive@here\.test\); not to ANNA@here\.test$/,
  )
})

test('what nobody would get is kept aside, and not thrown away', async t => {
  const server = await start(t, [formatPacket('-', texts('<anna@here.test>'))])
  const reply = await sendAsStranger(server, 'Lunch')
  assert.equal(reply.code, 250)
  await server.settled()
  assert.deepEqual(await server.mailbox('anna@here.test'), [])
  const { messages } = await server.storage.run(listQuarantine, { selection: {}, afterId: 0, limit: 10 })
  assert.deepEqual(
    messages.map(({ because }) => because),
    ['a scanner has left it no recipient'],
  )
})

test('what is no mail is not made of it', async t => {
  const server = await start(t, [formatPacket('b', Buffer.from('a\0b\r\n'))])
  const reply = await sendAsStranger(server, 'Lunch')
  assert.equal(reply.code, 250)
  await server.settled()
  const [message] = await server.mailbox('anna@here.test')
  assert.equal(withoutTrace(message), 'From: boris@example.net\r\nSubject: Lunch\r\n\r\nThe end\r\n')
})
