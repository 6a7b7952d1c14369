// What the trail has of sessions that brought no message: cut off, turned away, refused.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { awaitEvent } from '../harness/await-events.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { eventually } from '../harness/eventually.ts'
import { openConnection, type RawConnection } from '../harness/raw-connection.ts'

async function start(
  t: TestContext,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<ComposedServer> {
  return await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test' }],
    settings,
  })
}

/** Greeted, and after EHLO. */
async function connect(server: ComposedServer): Promise<RawConnection> {
  const connection = await openConnection(server.port('relay'))
  await connection.reply()
  await connection.command('EHLO client.there.test')
  return connection
}

test('a connection that breaks in the middle of the message, after recipients were taken', async t => {
  const server = await start(t)
  const connection = await connect(server)
  await connection.command('MAIL FROM:<boris@there.test>')
  await connection.command('RCPT TO:<anna@here.test>')
  await connection.command('DATA')
  await connection.write('Subject: half\r\n\r\nhalf')
  connection.destroy()
  const event = await awaitEvent(server, 'cut-off')
  assert.partialDeepStrictEqual(event, {
    remoteAddress: '127.0.0.1',
    heloName: 'client.there.test',
    role: 'relay',
    reversePath: 'boris@there.test',
    recipients: ['anna@here.test'],
    during: 'mail-data',
    how: 'lost',
  })
  assert.equal(
    describeEvent(event).text,
    'Not received, from boris@there.test to anna@here.test: the connection of client.there.test (127.0.0.1) broke in the middle of the message. Its server has to send it again.',
  )
})

test('a client that takes its leave between RCPT and DATA, and one that is silent for too long', async t => {
  const server = await start(t)
  const leaving = await connect(server)
  await leaving.command('MAIL FROM:<boris@there.test>')
  await leaving.command('RCPT TO:<anna@here.test>')
  await leaving.command('QUIT')
  assert.partialDeepStrictEqual(await awaitEvent(server, 'cut-off'), { during: 'commands', how: 'quit' })

  const silent = await start(t)
  const connection = await connect(silent)
  await connection.command('MAIL FROM:<boris@there.test>')
  await connection.command('RCPT TO:<anna@here.test>')
  silent.clock.advance(11 * 60_000)
  assert.equal((await connection.reply())?.code, 421)
  const event = await awaitEvent(silent, 'cut-off')
  assert.partialDeepStrictEqual(event, { during: 'commands', how: 'closed', reply: { code: 421 } })
  assert.match(
    describeEvent(event).text,
    /this server closed the connection .* before the message came \(421 /,
  )
})

test('sessions that come to a good end, or to no recipient, write nothing of their end', async t => {
  const server = await start(t)
  const idle = await connect(server)
  await idle.command('QUIT')
  const refused = await connect(server)
  await refused.command('MAIL FROM:<boris@there.test>')
  await refused.command('RCPT TO:<nobody@here.test>')
  await refused.command('QUIT')
  await refused.closed
  const good = await connect(server)
  await good.command('MAIL FROM:<boris@there.test>')
  await good.command('RCPT TO:<anna@here.test>')
  await good.command('DATA')
  await good.command('Subject: whole\r\n\r\nText\r\n.')
  await good.command('QUIT')
  await good.closed
  await awaitEvent(server, 'refused')
  await server.settled()
  const kinds = (await server.events()).map(({ kind }) => kind).toSorted()
  assert.deepEqual(kinds, ['attempted', 'received', 'refused'])
})

test('who talks before the greeting is turned away, once a minute in the trail', async t => {
  const server = await start(t)
  const talk = async (): Promise<void> => {
    const connection = await openConnection(server.port('relay'))
    await connection.write('EHLO pest.there.test\r\n')
    assert.equal((await connection.reply())?.code, 554)
    await connection.closed
  }
  await talk()
  const first = await awaitEvent(server, 'turned-away')
  assert.partialDeepStrictEqual(first, { remoteAddress: '127.0.0.1', role: 'relay', reply: { code: 554 } })
  await talk()
  await talk()
  await talk()
  // Nobody has to come once more for the rest to be told.
  server.clock.advance(61_000)
  const last = await eventually('the second event', async () => {
    const events = await server.events()
    return events.length > 1 ? events : undefined
  })
  assert.deepEqual(
    last.map(event => event.kind === 'turned-away' && event.repeated),
    [undefined, 2],
  )
  const [, again] = last
  assert.match(
    again ? describeEvent(again).text : '',
    /^Turned away 127\.0\.0\.1 .*554 .*\(and 2 times before, /,
  )
})

test('more connections than are allowed, and a TLS handshake that fails, are told', async t => {
  const server = await start(t, { limits: { maxConnectionsPerAddress: 1 } })
  const one = await openConnection(server.port('relay'))
  await one.reply()
  const two = await openConnection(server.port('relay'))
  assert.equal((await two.reply())?.code, 421)
  assert.partialDeepStrictEqual(await awaitEvent(server, 'turned-away'), { reply: { code: 421 } })

  const other = await start(t)
  const plain = await openConnection(other.port('submissions'))
  await plain.write('EHLO client.there.test\r\n')
  await plain.closed
  const event = await awaitEvent(other, 'turned-away')
  assert.partialDeepStrictEqual(event, { role: 'submissions', remoteAddress: '127.0.0.1' })
  assert.ok(event.problem !== undefined && event.reply === undefined)
})

test('a message that is refused at its end is in the trail with those for whom it was', async t => {
  const server = await start(t, { limits: { maxMessageBytes: 65_536 } })
  const connection = await connect(server)
  await connection.command('MAIL FROM:<boris@there.test>')
  await connection.command('RCPT TO:<anna@here.test>')
  await connection.command('DATA')
  await connection.write(`Subject: large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(1200)}.\r\n`)
  assert.equal((await connection.reply())?.code, 552)
  const event = await awaitEvent(server, 'refused')
  assert.partialDeepStrictEqual(event, {
    command: 'DATA',
    heloName: 'client.there.test',
    reversePath: 'boris@there.test',
    recipients: ['anna@here.test'],
  })
  assert.match(
    describeEvent(event).text,
    /^Refused DATA of client\.there\.test \(127\.0\.0\.1\) from boris@there\.test to anna@here\.test: 552 /,
  )
})

test('what came in has its Message-ID and subject, and whether its network may send anywhere', async t => {
  const server = await start(t, { localNetworks: ['127.0.0.0/8'] })
  const connection = await connect(server)
  await connection.command('MAIL FROM:<boris@there.test>')
  await connection.command('RCPT TO:<anna@here.test>')
  await connection.command('DATA')
  await connection.command('Subject: =?utf-8?Q?M=C3=A4rz?=\r\nMessage-ID: <1@there.test>\r\n\r\nText\r\n.')
  const { reception } = await awaitEvent(server, 'received')
  assert.partialDeepStrictEqual(reception, { subject: 'März', messageId: '1@there.test', local: true })
})
