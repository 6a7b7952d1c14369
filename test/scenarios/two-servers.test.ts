// Scenarios of two whole servers that find each other through the DNS of the test.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { findFreePort } from '../harness/free-port.ts'
import { createManualClock } from '../harness/manual-clock.ts'

const minute = 60_000
const hour = 60 * minute

/** Sends as an account of the server does, over STARTTLS with AUTH; resolves with the queue id. */
async function submit(
  server: ComposedServer,
  message: { readonly from: string; readonly to: string; readonly subject: string; readonly text?: string },
): Promise<string> {
  const transport = createTransport({
    host: '127.0.0.1',
    port: server.port('submission'),
    requireTLS: true,
    tls: { rejectUnauthorized: false },
    auth: { user: message.from, pass: 'secret' },
  })
  try {
    const { response } = await transport.sendMail({ text: 'Hello', ...message })
    return /queued as ([0-9A-Z]{11})/.exec(response)?.[1] ?? assert.fail(response)
  } finally {
    transport.close()
  }
}

/** The plain text part of a report. */
function textForPeople(report: string): string {
  const [, fields = '', text = ''] =
    /(Content-Type: text\/plain[^]*?)\r\n\r\n([^]*?)\r\n--postrider-/.exec(report) ?? assert.fail('no text')
  return fields.includes('base64') ? Buffer.from(text, 'base64').toString('utf8') : text
}

test('mail goes from one server to the other by MX, encrypted, and its trail tells the way', async t => {
  const clock = createManualClock()
  const receiver = await startComposedServer(t, {
    clock,
    hostname: 'mx.there.test',
    domains: ['there.test'],
    accounts: [{ address: 'boris@there.test' }],
  })
  const dns = await startDnsServer(['there.test MX 10 mx.there.test', 'mx.there.test A 127.0.0.1'])
  t.after(() => dns.close())
  const sender = await startComposedServer(t, {
    clock,
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test' }],
    settings: { delivery: { port: receiver.port('relay'), dnsServers: [dns.text] } },
  })
  const id = await submit(sender, { from: 'anna@here.test', to: 'boris@there.test', subject: 'Hello there' })
  await sender.settled()
  await receiver.settled()
  const [message, ...others] = await receiver.mailbox('boris@there.test')
  assert.deepEqual(others, [])
  assert.match(message ?? '', /^Return-Path: <anna@here\.test>\r\nDelivered-To: boris@there\.test\r\n/)
  assert.match(
    message ?? '',
    /Received: from mx\.here\.test \(\[127\.0\.0\.1\]\)\r\n\tby mx\.there\.test \(Postrider\) with ESMTPS/,
  )
  assert.match(message ?? '', new RegExp(`by mx\\.here\\.test \\(Postrider\\) with ESMTPSA id ${id}`))
  assert.match(message ?? '', /Subject: Hello there/)
  const [received, attempted] = await sender.trail(id)
  assert.equal(received?.kind, 'received')
  assert.equal(attempted?.kind === 'attempted' && attempted.outcome.kind, 'relayed')
})

test('an unknown user brings back a report that says what to do, in the language of the sender', async t => {
  const clock = createManualClock()
  const receiver = await startComposedServer(t, {
    clock,
    hostname: 'mx.there.test',
    domains: ['there.test'],
    accounts: [{ address: 'clara@there.test' }],
  })
  const dns = await startDnsServer(['there.test MX 10 mx.there.test', 'mx.there.test A 127.0.0.1'])
  t.after(() => dns.close())
  const sender = await startComposedServer(t, {
    clock,
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [
      { address: 'anna@here.test', language: 'en' },
      { address: 'boris@here.test', language: 'ru' },
    ],
    settings: { delivery: { port: receiver.port('relay'), dnsServers: [dns.text] } },
  })
  await submit(sender, { from: 'anna@here.test', to: 'nobody@there.test', subject: 'Lunch' })
  await submit(sender, { from: 'boris@here.test', to: 'nobody@there.test', subject: 'Обед' })
  await sender.settled()
  const [english = ''] = await sender.mailbox('anna@here.test')
  assert.match(english, /^Return-Path: <>\r\n/)
  assert.match(english, /Subject: Not delivered: Lunch\r\n/)
  assert.match(textForPeople(english), /nobody@there\.test\r\n {4}What to do: Check the address for typos/)
  assert.match(
    english,
    /Final-Recipient: rfc822; nobody@there\.test\r\nAction: failed\r\nStatus: 5\.1\.1\r\n/,
  )
  const [russian = ''] = await sender.mailbox('boris@here.test')
  assert.match(textForPeople(russian), /Что делать: Проверьте, нет ли в адресе опечатки/)
  assert.match(textForPeople(russian), /Тема: Обед/)
})

test('a server that is down gets the mail when it is up again; the sender hears of a long delay once', async t => {
  const clock = createManualClock()
  const port = await findFreePort()
  const dns = await startDnsServer(['there.test MX 10 mx.there.test', 'mx.there.test A 127.0.0.1'])
  t.after(() => dns.close())
  const sender = await startComposedServer(t, {
    clock,
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test' }],
    settings: {
      delivery: { port, dnsServers: [dns.text] },
      queue: { retryMinutes: [10, 30], delayNoticeHours: 2 },
    },
  })
  const id = await submit(sender, { from: 'anna@here.test', to: 'boris@there.test', subject: 'Patience' })
  for (let passed = 0; passed < 6 * hour; passed += 10 * minute) await sender.pass(10 * minute)
  const notices = await sender.mailbox('anna@here.test')
  assert.equal(notices.length, 1)
  assert.match(notices[0] ?? '', /Subject: Still being delivered: Patience/)
  assert.match(notices[0] ?? '', /Action: delayed/)

  const receiver = await startComposedServer(t, {
    clock,
    hostname: 'mx.there.test',
    domains: ['there.test'],
    accounts: [{ address: 'boris@there.test' }],
  })
  dns.setZone(['there.test MX 10 mx.there.test', 'mx.there.test A 127.0.0.1'])
  const relay = await forward(t, port, receiver.port('relay'))
  await sender.pass(2 * hour)
  await receiver.settled()
  relay()
  assert.equal((await receiver.mailbox('boris@there.test')).length, 1)
  const outcomes = (await sender.trail(id)).flatMap(event =>
    event.kind === 'attempted' ? [event.outcome.kind] : [],
  )
  assert.ok(outcomes.length > 3)
  assert.equal(outcomes.at(-1), 'relayed')
  assert.ok(outcomes.slice(0, -1).every(kind => kind === 'deferred'))
})

/** Lets connections to one port arrive at another: a server that comes up where nobody listened. */
async function forward(t: import('node:test').TestContext, from: number, to: number): Promise<() => void> {
  const { createServer, connect } = await import('node:net')
  const server = createServer({ noDelay: true }, socket => {
    const onward = connect({ port: to, host: '127.0.0.1', noDelay: true })
    socket.pipe(onward).pipe(socket)
    socket.on('error', () => onward.destroy())
    onward.on('error', () => socket.destroy())
  })
  await new Promise<void>(resolve => {
    server.listen(from, '127.0.0.1', resolve)
  })
  const close = (): void => void server.close()
  t.after(close)
  return close
}
