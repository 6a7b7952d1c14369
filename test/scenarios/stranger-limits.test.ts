// How much strangers may bring in a time: what a peer meets beyond a limit, and what the trail says of it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { changeAccount } from '../../src/directory/accounts.ts'
import { putSenderEntry } from '../../src/sender-list/operations.ts'
import { type ComposedServer, startComposedServer, unauthenticated } from '../harness/composed-server.ts'
import { eventually } from '../harness/eventually.ts'
import { openConnectionOf, type RawConnection, type RawReply } from '../harness/raw-connection.ts'

async function start(
  t: TestContext,
  strangers: Readonly<Record<string, unknown>>,
  spam: Readonly<Record<string, unknown>> = {},
): Promise<ComposedServer> {
  return await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test' }, { address: 'olga@here.test' }],
    isBehindProxy: true,
    settings: {
      limits: { strangers },
      spam: { clientNames: false, ...spam },
      mailAuthentication: unauthenticated,
    },
  })
}

interface Met {
  readonly connection: RawConnection
  /** 220, or why there is no session. */
  readonly greeting: RawReply | undefined
}

async function connect(server: ComposedServer, address = '203.0.113.9'): Promise<Met> {
  const connection = await openConnectionOf(address, server.port('relay'))
  return { connection, greeting: await connection.reply() }
}

async function openSession(server: ComposedServer, address?: string): Promise<RawConnection> {
  const { connection, greeting } = await connect(server, address)
  assert.equal(greeting?.code, 220)
  await connection.command('EHLO client.example.net')
  return connection
}

/** The code of the first reply that refuses, else that to the message. */
async function send(connection: RawConnection, text = 'Subject: hello'): Promise<number | undefined> {
  for (const line of ['MAIL FROM:<boris@example.net>', 'RCPT TO:<anna@here.test>', 'DATA']) {
    const reply = await connection.command(line)
    if (!reply || reply.code >= 400) return reply?.code
  }
  return (await connection.command(`${text}\r\n\r\nhello\r\n.`))?.code
}

async function refusals(server: ComposedServer, count: number) {
  return await eventually(`${count} events of limits`, async () => {
    const found = (await server.events()).filter(
      event => (event.kind === 'refused' || event.kind === 'turned-away') && event.limit,
    )
    return found.length >= count ? found : undefined
  })
}

test('connections: the network that has had them is turned away with 421 and the time, others are not', async t => {
  const server = await start(t, { connectionsPerMinute: 2 })
  for (const address of ['203.0.113.9', '203.0.113.77']) (await openSession(server, address)).destroy()
  const { connection, greeting } = await connect(server, '203.0.113.10')
  assert.equal(greeting?.code, 421)
  assert.match(
    greeting?.text ?? '',
    /4\.7\.28 mx\.here\.test takes at most 2 connections a minute from 203\.0\.113\.0\/24; please try again from \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC on/,
  )
  await connection.closed
  ;(await openSession(server, '198.51.100.1')).destroy()
  ;(await openSession(server, '2001:db8::1')).destroy()
  server.clock.advance(60_000)
  ;(await openSession(server, '203.0.113.10')).destroy()
  const [event] = await refusals(server, 1)
  assert.ok(event?.kind === 'turned-away')
  assert.deepEqual(
    [event.limit?.what, event.limit?.network, event.limit?.per],
    ['connections', '203.0.113.0/24', 'minute'],
  )
  assert.match(
    describeEvent(event).notes?.join('\n') ?? '',
    /limits\.strangers\.connectionsPerMinute is 2: reached by 203\.0\.113\.0\/24 as a whole/,
  )
})

test('messages: the next is put off at MAIL with 450, and the session goes on', async t => {
  const server = await start(t, { messagesPerHour: 2 })
  const connection = await openSession(server)
  assert.deepEqual([await send(connection), await send(connection), await send(connection)], [250, 250, 450])
  assert.equal(await send(connection), 450)
  const again = await connection.command('MAIL FROM:<boris@example.net>')
  assert.match(
    again?.text ?? '',
    /At most 2 messages an hour are taken from 203\.0\.113\.0\/24; please try again/,
  )
  connection.destroy()
  server.clock.advance(3_600_000)
  assert.equal(await send(await openSession(server)), 250)
  const found = await refusals(server, 2)
  assert.equal(found.length, 2, 'the first, and the others when the minute is over')
  assert.deepEqual(
    found.map(event => (event.kind === 'refused' ? event.repeated : 'another')),
    [undefined, 1],
  )
})

test('recipients: the next is put off at RCPT with 450, those before get the message', async t => {
  const server = await start(t, { recipientsPerMinute: 2 })
  const connection = await openSession(server)
  await connection.command('MAIL FROM:<boris@example.net>')
  const codes: (number | undefined)[] = []
  for (let n = 0; n < 3; n++) codes.push((await connection.command('RCPT TO:<anna@here.test>'))?.code)
  assert.deepEqual(codes, [250, 250, 450])
  assert.equal((await connection.command('DATA'))?.code, 354)
  assert.equal((await connection.command('Subject: hello\r\n\r\nhello\r\n.'))?.code, 250)
  connection.destroy()
  await server.settled()
  assert.equal((await server.mailbox('anna@here.test')).length, 1)
})

test('unknown recipients: beyond the limit 421 and the end of the connection, and nobody of that network is greeted until the time is over', async t => {
  const server = await start(t, { refusedRecipientsPerHour: 3 })
  const connection = await openSession(server)
  await connection.command('MAIL FROM:<boris@example.net>')
  for (const name of ['a', 'b', 'c'])
    assert.equal((await connection.command(`RCPT TO:<${name}@here.test>`))?.code, 550)
  const last = await connection.command('RCPT TO:<d@here.test>')
  assert.equal(last?.code, 421)
  assert.match(
    last?.text ?? '',
    /4\.7\.28 mx\.here\.test was asked from 203\.0\.113\.0\/24 for more than 3 recipients an hour that it has to refuse; please check your addresses, and try again from/,
  )
  await connection.closed
  const { greeting } = await connect(server, '203.0.113.200')
  assert.equal(greeting?.code, 421)
  assert.equal(await send(await openSession(server, '198.51.100.1')), 250)
  server.clock.advance(3_600_000)
  assert.equal(await send(await openSession(server)), 250)
})

// An administrator's block of one sender shut all others of a large provider out.
test('recipients whom a list of senders, or their being disabled, keeps a message from are none that do not exist', async t => {
  const server = await start(t, { refusedRecipientsPerHour: 1 })
  const block = { ownerId: 0, verdict: 'block', sender: 'example.net', note: '', since: 0 } as const
  await server.storage.run(putSenderEntry, block)
  await server.storage.run(changeAccount, {
    address: { localPart: 'olga', domain: 'here.test' },
    enabled: false,
  })
  const connection = await openSession(server)
  await connection.command('MAIL FROM:<boris@example.net>')
  for (const [name, said] of [
    ['anna', /^5\.7\.1 /],
    ['olga', /^5\.2\.1 /],
    ['anna', /^5\.7\.1 /],
  ] as const) {
    const reply = await connection.command(`RCPT TO:<${name}@here.test>`)
    assert.equal(reply?.code, 550)
    assert.match(reply?.text ?? '', said)
  }
  assert.equal((await connection.command('RCPT TO:<gone@here.test>'))?.code, 550)
  assert.equal((await connection.command('RCPT TO:<gone2@here.test>'))?.code, 421)
  connection.destroy()
})

test('who brings mail to many that exist may name as many that do not', async t => {
  const server = await start(t, { refusedRecipientsPerHour: 1 })
  const connection = await openSession(server)
  await connection.command('MAIL FROM:<boris@example.net>')
  for (let n = 0; n < 4; n++) {
    assert.equal((await connection.command('RCPT TO:<anna@here.test>'))?.code, 250)
    assert.equal((await connection.command(`RCPT TO:<gone${n}@here.test>`))?.code, 550)
  }
  connection.destroy()
})

test('from half of them on each refusal of that network is held back, in whatever session', async t => {
  const server = await start(t, { refusedRecipientsPerHour: 4 }, { refusalDelaySeconds: 3 })
  const first = await openSession(server)
  await first.command('MAIL FROM:<boris@example.net>')
  for (const name of ['a', 'b']) assert.equal((await first.command(`RCPT TO:<${name}@here.test>`))?.code, 550)
  first.destroy()
  const second = await openSession(server, '203.0.113.66')
  await second.command('MAIL FROM:<boris@example.net>')
  await second.write('RCPT TO:<c@here.test>\r\n')
  const before = second.socket.bytesRead
  // Whoever comes meanwhile is served.
  ;(await openSession(server, '198.51.100.1')).destroy()
  assert.equal(second.socket.bytesRead, before)
  const reply = second.reply()
  const found = await eventually('the refusal', async () => {
    const now = await Promise.race([reply, turn(undefined)])
    if (!now) server.clock.advance(1000)
    return now
  })
  assert.equal(found.code, 550)
  second.destroy()
})

test('a network from which wanted mail comes brings more of it; one whose mail is unwanted does not', async t => {
  const server = await start(
    t,
    { messagesPerHour: 20 },
    { junkScore: 1, refuseScore: 100, greylistScore: 100, clientNames: true },
  )
  const provider = await openSession(server)
  await provider.command('EHLO provider.example.net')
  for (let n = 0; n < 30; n++) assert.equal(await send(provider), 250)
  provider.destroy()
  const spammer = await openSession(server, '198.51.100.1')
  // Our own name has points.
  await spammer.command('EHLO mx.here.test')
  const codes: (number | undefined)[] = []
  for (let n = 0; n < 21; n++) codes.push(await send(spammer))
  assert.deepEqual([codes.slice(0, 20).every(code => code === 250), codes[20]], [true, 450])
  spammer.destroy()
})

test('named networks meet no limit', async t => {
  const server = await start(t, { connectionsPerMinute: 1, exempt: ['203.0.113.0/28'] })
  for (let n = 0; n < 3; n++) (await openSession(server, '203.0.113.9')).destroy()
  ;(await openSession(server, '203.0.113.99')).destroy()
  assert.equal((await connect(server, '203.0.113.99')).greeting?.code, 421)
})
