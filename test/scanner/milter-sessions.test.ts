// A milter at the sessions of the composed server: it hears of each recipient when it is named, and refuses it alone.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { formatScannerEndpoint } from '../../src/scanner/exchange.ts'
import { formatPacket, texts } from '../../src/scanner/milter/packets.ts'
import { awaitEvent } from '../harness/await-events.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { eventually } from '../harness/eventually.ts'
import { openConnection, type RawConnection, type RawReply } from '../harness/raw-connection.ts'
import { sendMail } from '../harness/send-message.ts'
import { type FakeMilter, startMilter } from './fake-milter.ts'

const anna = 'anna@here.test'
const carl = 'carl@here.test'

interface Scene {
  readonly server: ComposedServer
  readonly milter: FakeMilter
}

async function start(
  t: TestContext,
  answers: Parameters<typeof startMilter>[1] = {},
  scanner: Readonly<Record<string, unknown>> = {},
): Promise<Scene> {
  const milter = await startMilter(t, answers)
  const dns = await startDnsServer([
    '9.113.0.203.in-addr.arpa PTR client.example.net',
    'client.example.net A 203.0.113.9',
  ])
  t.after(() => dns.close())
  const server = await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }, { address: carl }],
    aliases: [{ address: 'postmaster@here.test', targets: [carl] }],
    isBehindProxy: true,
    settings: {
      delivery: { dnsServers: [dns.text] },
      spam: { clientNames: false, greylistScore: 1000 },
      scanners: [{ kind: 'milter', at: formatScannerEndpoint(milter.endpoint), ...scanner }],
    },
  })
  return { server, milter }
}

async function connect(server: ComposedServer): Promise<RawConnection> {
  const connection = await openConnection(server.port('relay'))
  await connection.write('PROXY TCP4 203.0.113.9 203.0.113.25 40000 25\r\n')
  await connection.reply()
  await connection.command('EHLO client.example.net')
  return connection
}

async function say(connection: RawConnection, command: string): Promise<RawReply> {
  return (await connection.command(command)) ?? assert.fail(`no reply to ${command}`)
}

async function sendText(connection: RawConnection, subject: string): Promise<RawReply> {
  assert.equal((await say(connection, 'DATA')).code, 354)
  await connection.write(`From: boris@example.net\r\nSubject: ${subject}\r\n\r\nHello\r\n.\r\n`)
  return (await connection.reply()) ?? assert.fail('no reply to the message')
}

/** The macros of a stage, as they were told first: 'R' → { '{rcpt_addr}': … }. */
function macrosOf({ heard }: FakeMilter, stage: string): Readonly<Record<string, string>> {
  const told = heard.find(({ kind, text }) => kind === 'D' && text.startsWith(stage))
  const words = told?.text.slice(1).split('\0').slice(0, -1) ?? []
  return Object.fromEntries(
    words.flatMap((word, index) => (index % 2 === 0 ? [[word, words[index + 1] ?? '']] : [])),
  )
}

const refusesAnna = (text: string) =>
  text.includes(anna) ? [formatPacket('y', texts('553 5.1.9 Anna has moved'))] : undefined

test('a milter refuses one recipient alone, in its own words; the others get the message', async t => {
  const { server, milter } = await start(t, { R: refusesAnna })
  const connection = await connect(server)
  assert.equal((await say(connection, 'MAIL FROM:<boris@example.net>')).code, 250)
  const refused = await say(connection, `RCPT TO:<${anna}>`)
  assert.equal(refused.code, 553)
  assert.equal(refused.lines[0], '5.1.9 Anna has moved')
  assert.equal((await say(connection, `RCPT TO:<${carl}>`)).code, 250)
  assert.equal((await sendText(connection, 'For one')).code, 250)
  connection.destroy()
  await server.settled()
  assert.equal((await server.mailbox(anna)).length, 0)
  assert.equal((await server.mailbox(carl)).length, 1)
  assert.deepEqual(
    milter.heard.map(({ kind }) => kind).filter(kind => kind !== 'D' && kind !== 'L'),
    ['O', 'C', 'H', 'M', 'R', 'R', 'T', 'N', 'B', 'E', 'Q'],
  )
  const event = await awaitEvent(server, 'refused')
  assert.equal(event.forwardPath, anna)
  assert.match(event.screening?.lines[0]?.source ?? '', /^milter at 127\.0\.0\.1:/)
  assert.equal(event.screening?.lines[0]?.detail, 'Anna has moved')
})

test('a milter is told at each stage what is known then: parameters, names, and the queue id once there is one', async t => {
  const { server, milter } = await start(t)
  const connection = await connect(server)
  await say(connection, 'MAIL FROM:<boris@example.net> SIZE=100 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb')
  await say(connection, `RCPT TO:<${anna}> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a@example.net`)
  const { code, lines } = await sendText(connection, 'All of it')
  assert.equal(code, 250)
  const queueId = /queued as (\S+)/.exec(lines.join(' '))?.[1]
  connection.destroy()
  const mail = milter.heard.find(({ kind }) => kind === 'M')
  assert.equal(mail?.text, '<boris@example.net>\0SIZE=100\0BODY=8BITMIME\0SMTPUTF8\0RET=HDRS\0ENVID=a+2Bb\0')
  const recipient = milter.heard.find(({ kind }) => kind === 'R')
  assert.equal(recipient?.text, `<${anna}>\0NOTIFY=FAILURE,DELAY\0ORCPT=rfc822;a@example.net\0`)
  const { v, ...ofConnection } = macrosOf(milter, 'C')
  assert.match(v ?? '', /^Postrider \d/)
  assert.deepEqual(ofConnection, {
    j: 'mx.here.test',
    _: 'client.example.net [203.0.113.9]',
    '{daemon_name}': 'postrider',
    '{daemon_addr}': '127.0.0.1',
    '{daemon_port}': String(server.port('relay')),
    '{client_addr}': '203.0.113.9',
    '{client_port}': '40000',
    '{client_name}': 'client.example.net',
    '{client_ptr}': 'client.example.net',
  })
  assert.deepEqual(macrosOf(milter, 'M'), { '{mail_addr}': 'boris@example.net' })
  assert.deepEqual(macrosOf(milter, 'R'), { '{rcpt_addr}': anna })
  for (const stage of ['T', 'N', 'E']) assert.deepEqual(macrosOf(milter, stage), { i: queueId })
})

test('of an account it hears how it has logged in, and over what', async t => {
  const { server, milter } = await start(t, {}, { outgoing: true })
  const [sent] = await sendMail(server.port('submission'), {
    account: anna,
    reversePath: anna,
    forwardPaths: [carl],
    mailData: `From: <${anna}>\r\nSubject: Out\r\n\r\nHello\r\n`,
  })
  assert.equal(sent?.result.kind, 'accepted')
  const { '{auth_type}': type, ...mail } = macrosOf(milter, 'M')
  assert.match(type ?? '', /^(?:SCRAM-SHA-256(?:-PLUS)?|PLAIN)$/)
  assert.deepEqual(mail, { '{mail_addr}': anna, '{auth_authen}': anna })
  const hello = macrosOf(milter, 'H')
  assert.equal(hello['{tls_version}'], 'TLSv1.3')
  assert.match(hello['{cipher}'] ?? '', /^TLS_/)
})

test('whom the milter wants turned away at the beginning is told at each recipient, and for postmaster with the message', async t => {
  const { server } = await start(t, { C: [formatPacket('r')] })
  const connection = await connect(server)
  await say(connection, 'MAIL FROM:<boris@example.net>')
  for (const recipient of [anna, carl])
    assert.equal((await say(connection, `RCPT TO:<${recipient}>`)).code, 550)
  assert.equal((await say(connection, 'RCPT TO:<postmaster@here.test>')).code, 250)
  assert.equal((await sendText(connection, 'Help')).code, 550)
  connection.destroy()
})

test('each transaction is one conversation: the next one, RSET and QUIT end the one before', async t => {
  const { server, milter } = await start(t, { R: refusesAnna })
  const connection = await connect(server)
  const areOver = (times: number): Promise<boolean> =>
    eventually(`${times} conversations are over`, () =>
      Promise.resolve(milter.heard.filter(({ kind }) => kind === 'Q').length === times || undefined),
    )
  await say(connection, 'MAIL FROM:<boris@example.net>')
  await say(connection, `RCPT TO:<${carl}>`)
  await say(connection, 'RSET')
  await say(connection, 'MAIL FROM:<boris@example.net>')
  await areOver(1)
  await say(connection, `RCPT TO:<${carl}>`)
  assert.equal((await sendText(connection, 'One')).code, 250)
  await areOver(2)
  await say(connection, 'MAIL FROM:<boris@example.net>')
  await say(connection, `RCPT TO:<${carl}>`)
  await say(connection, 'QUIT')
  await areOver(3)
  await server.settled()
  assert.equal((await server.mailbox(carl)).length, 1)
})

for (const [whenDown, code] of [
  ['accept', 250],
  ['defer', 451],
] as const)
  test(`a milter that loses its way at RCPT: no recipient is refused for it, and the message meets "${whenDown}"`, async t => {
    const { server, milter } = await start(t, { R: [formatPacket('z')] }, { whenDown })
    const connection = await connect(server)
    await say(connection, 'MAIL FROM:<boris@example.net>')
    for (const recipient of [anna, carl])
      assert.equal((await say(connection, `RCPT TO:<${recipient}>`)).code, 250)
    assert.equal((await sendText(connection, 'Hello')).code, code)
    connection.destroy()
    // It is asked no more after that.
    assert.equal(milter.heard.filter(({ kind }) => kind === 'R').length, 1)
  })

test('a milter that hangs at RCPT costs its time once, and the message is taken without it', async t => {
  const { server, milter } = await start(t, { R: [] })
  const connection = await connect(server)
  await say(connection, 'MAIL FROM:<boris@example.net>')
  const answered = connection.command(`RCPT TO:<${anna}>`)
  await eventually('the milter is asked', () =>
    Promise.resolve(milter.heard.some(({ kind }) => kind === 'R') || undefined),
  )
  server.clock.advance(20_000)
  assert.equal((await answered)?.code, 250)
  assert.equal((await say(connection, `RCPT TO:<${carl}>`)).code, 250)
  assert.equal((await sendText(connection, 'Hello')).code, 250)
  connection.destroy()
  await server.settled()
  assert.equal((await server.mailbox(anna)).length, 1)
  const screened = (await server.events()).flatMap(event => (event.kind === 'screened' ? [event] : []))
  assert.match(screened[0]?.screening.notAsked?.[0] ?? '', /^milter at .*did not answer in time/)
})
