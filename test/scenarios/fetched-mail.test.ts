// Mail for servers that come and fetch it: kept without attempts, and handed over on a connection that the other one opens.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { describeWhy } from '../../src/cli/describe-why.ts'
import { describeEvent, type TrailEntry } from '../../src/cli/format-trail.ts'
import { parseTraceSubject } from '../../src/cli/trace-subject.ts'
import { showQueuedMessage } from '../../src/queue/list-queue.ts'
import { parseQueueId } from '../../src/queue/queue-id.ts'
import { startRelayQueue } from '../../src/queue/relay-queue.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { findEvents } from '../../src/trail/find-events.ts'
import { findMessages } from '../../src/trail/find-messages.ts'
import type { TrailKey } from '../../src/trail/keys.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { eventually } from '../harness/eventually.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'
import { openConnection, type RawConnection } from '../harness/raw-connection.ts'
import { sendMessage } from '../harness/send-message.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

interface Provider {
  readonly clock: ManualClock
  readonly provider: ComposedServer
}

/** The server that keeps mail for home.test; two of its accounts are servers of others. */
async function startProvider(t: TestContext, clock = createManualClock()): Promise<Provider> {
  // The DNS names the provider alone: nobody can reach the customer.
  const dns = await startDnsServer(['home.test MX 10 mx.provider.test', 'mx.provider.test A 127.0.0.1'])
  t.after(() => dns.close())
  const provider = await startComposedServer(t, {
    clock,
    hostname: 'mx.provider.test',
    domains: ['provider.test'],
    accounts: [
      { address: 'sender@provider.test' },
      { address: 'customer@provider.test' },
      { address: 'stranger@provider.test' },
    ],
    relays: [
      { name: 'home.test', keeps: true, owner: 'customer@provider.test' },
      { name: 'second.test', keeps: true, owner: 'customer@provider.test' },
      { name: 'other.test', keeps: true, owner: 'stranger@provider.test' },
    ],
    settings: { delivery: { dnsServers: [dns.text] } },
  })
  return { clock, provider }
}

function startCustomer(
  t: TestContext,
  { clock, provider }: Provider,
  fetch: Readonly<Record<string, unknown>> = {},
): Promise<ComposedServer> {
  return startComposedServer(t, {
    clock,
    hostname: 'server.home.test',
    domains: ['home.test'],
    accounts: [{ address: 'anna@home.test' }],
    settings: {
      fetch: [
        {
          host: '127.0.0.1',
          port: provider.port('submission'),
          verifyCertificate: false,
          username: 'customer@provider.test',
          password: 'secret',
          ...fetch,
        },
      ],
    },
  })
}

/** A customer by hand, logged in under TLS. */
async function logIn(provider: ComposedServer, name = 'customer@provider.test'): Promise<RawConnection> {
  const peer = await openConnection(provider.port('submission'))
  await peer.reply()
  await peer.command('EHLO server.home.test')
  await peer.command('STARTTLS')
  await peer.startTls()
  await peer.command('EHLO server.home.test')
  const login = await peer.command(`AUTH PLAIN ${Buffer.from(`\0${name}\0secret`).toString('base64')}`)
  assert.equal(login?.code, 235)
  return peer
}

/** The next command of the other end, which is the client now. */
async function heard(peer: RawConnection): Promise<string> {
  let text = ''
  for (;;) {
    const end = text.indexOf('\r\n')
    if (end >= 0) return text.slice(0, end)
    text += String(await new Promise(resolve => peer.socket.once('data', resolve)))
  }
}

test('mail is kept without attempts, and fetched by a server that nobody can reach', async t => {
  const made = await startProvider(t)
  const { provider } = made
  const customer = await startCustomer(t, made)
  for (const subject of ['First', 'Second', 'Third'])
    await sendMessage(provider.port('relay'), 'anna@home.test', subject)
  await provider.settled()
  assert.deepEqual(await customer.mailbox('anna@home.test'), [])

  assert.deepEqual(await customer.fetchMail(), [{ host: '127.0.0.1', kind: 'fetched', messages: 3 }])
  await customer.settled()
  const messages = await customer.mailbox('anna@home.test')
  assert.deepEqual(messages.map(text => /Subject: (\w+)/.exec(text)?.[1]).toSorted(), [
    'First',
    'Second',
    'Third',
  ])
  assert.match(
    messages[0] ?? '',
    /Received: from mx\.provider\.test .*\r\n\tby server\.home\.test \(Postrider\) with ESMTPS/,
  )

  assert.deepEqual(await customer.fetchMail(), [{ host: '127.0.0.1', kind: 'no-mail', messages: 0 }])
})

function keysOf(text: string): readonly TrailKey[] {
  const subject = parseTraceSubject(text)
  return subject?.kind === 'keys' ? subject.anyOf : assert.fail(text)
}

/** What "postrider trace <text>" finds of this kind, newest first. */
async function askedEvents(
  { storage }: ComposedServer,
  text: string,
  kind: TrailEvent['kind'],
): Promise<readonly TrailEntry[]> {
  const { records } = await storage.run(findEvents, {
    anyOf: keysOf(text),
    since: 0,
    until: Number.MAX_SAFE_INTEGER,
    limit: 100,
  })
  return records.flatMap(({ event }) => (event.kind === kind ? [describeEvent(event)] : []))
}

/** The newest of them, when it has been written. */
function asked(provider: ComposedServer, text: string, kind: TrailEvent['kind']): Promise<TrailEntry> {
  return eventually(`an event ${kind}`, async () => (await askedEvents(provider, text, kind))[0])
}

test('the trail says that it was kept, and then whom it was handed to', async t => {
  const made = await startProvider(t)
  const { provider } = made
  const customer = await startCustomer(t, made)
  await sendMessage(provider.port('relay'), 'anna@home.test', 'Trail')
  await provider.settled()
  await customer.fetchMail()
  await customer.settled()
  const [message = ''] = await customer.mailbox('anna@home.test')
  const id =
    /by mx\.provider\.test \(Postrider\) with \w+ id (\w{11})/.exec(message)?.[1] ?? assert.fail(message)
  const events = await provider.trail(id)
  assert.deepEqual(
    events.map(event => event.kind),
    ['received', 'kept', 'attempted'],
  )
  const attempted = events[2]
  assert.ok(attempted?.kind === 'attempted' && attempted.outcome.kind === 'relayed')
  assert.equal(attempted.outcome.remoteMta, 'server.home.test')
  assert.match(attempted.dialogue?.[0] ?? '', /a connection that server\.home\.test opened .* \(ATRN\)/)
  assert.match(
    describeEvent(attempted).text,
    /^Fetched by the account customer@provider\.test \(ATRN\), as server\.home\.test at 127\.0\.0\.1:\d+, encrypted with TLSv1\.3 TLS_\S+ for anna@home\.test: 250 [^()]*$/,
  )
  assert.match(
    (await asked(provider, 'customer@provider.test', 'fetched')).text,
    /^server\.home\.test \(127\.0\.0\.1\), logged in as customer@provider\.test, came to fetch the mail of home\.test, second\.test \(ATRN\): it took 1 message$/,
  )
  const byAccount = await findMessages(provider.storage, {
    groups: [keysOf('customer@provider.test')],
    since: 0,
    until: Number.MAX_SAFE_INTEGER,
    limit: 10,
  })
  assert.deepEqual(
    new Set(byAccount.found.map(({ queueId }) => queueId)),
    new Set([undefined, parseQueueId(id)]),
  )
})

test('who finds nothing to fetch stands in the trail once an hour, with how often it came', async t => {
  const made = await startProvider(t)
  const { provider, clock } = made
  const comeForMail = async (): Promise<void> => {
    const peer = await logIn(provider)
    assert.equal((await peer.command('ATRN home.test'))?.code, 453)
    peer.destroy()
  }
  await comeForMail()
  await comeForMail()
  await comeForMail()
  clock.advance(hour)
  const [again, first, ...others] = await eventually('two events', async () => {
    const events = await askedEvents(provider, 'customer@provider.test', 'fetched')
    return events.length >= 2 ? events : undefined
  })
  assert.deepEqual(others, [])
  assert.match(first?.text ?? '', /came to fetch the mail of home\.test \(ATRN\): nothing waited$/)
  assert.match(again?.text ?? '', /: nothing waited \(and 1 time before, since the last entry\)$/)
})

test('who may not fetch stands in the trail with the domain that was asked for', async t => {
  const { provider } = await startProvider(t)
  const stranger = await logIn(provider, 'stranger@provider.test')
  assert.equal((await stranger.command('ATRN home.test'))?.code, 450)
  assert.equal((await stranger.command('ETRN home.test'))?.code, 459)
  stranger.destroy()
  const refused = await eventually('two refusals', async () => {
    const events = await askedEvents(provider, 'home.test', 'refused')
    return events.length >= 2 ? events : undefined
  })
  assert.deepEqual(
    refused.map(({ text }) => /^Refused \w+ of \S+ \(\S+\) for the mail of home\.test/.exec(text)?.[0]),
    ['ETRN', 'ATRN'].map(verb => `Refused ${verb} of server.home.test (127.0.0.1) for the mail of home.test`),
  )
  assert.match(refused[0]?.notes?.[0] ?? '', /logged in as stranger@provider\.test/)
})

test('what demands REQUIRETLS is not handed over where nothing proves the server, and waits', async t => {
  const made = await startProvider(t)
  const { provider } = made
  const customer = await startCustomer(t, made)
  const peer = await logIn(provider, 'sender@provider.test')
  assert.equal((await peer.command('MAIL FROM:<sender@provider.test> REQUIRETLS'))?.code, 250)
  await peer.command('RCPT TO:<anna@home.test>')
  await peer.command('DATA')
  const reply = await peer.command('From: sender@provider.test\r\nSubject: Secret\r\n\r\nHello\r\n.')
  peer.destroy()
  await provider.settled()
  await customer.fetchMail()
  await customer.settled()
  assert.deepEqual(await customer.mailbox('anna@home.test'), [])
  const id = /queued as (\w{11})/.exec(reply?.lines.join(' ') ?? '')?.[1] ?? assert.fail('it was not queued')
  const attempted = (await provider.trail(id)).at(-1)
  assert.ok(attempted?.kind === 'attempted' && attempted.outcome.kind === 'deferred')
  assert.equal(attempted.outcome.diagnosis.cause, 'requiretls')
})

test('the sender hears that it waits for the server of the domain, and of the end after its own lifetime', async t => {
  const clock = createManualClock()
  const { provider } = await startProvider(t, clock)
  const peer = await logIn(provider, 'sender@provider.test')
  await peer.command('MAIL FROM:<sender@provider.test>')
  assert.equal((await peer.command('RCPT TO:<anna@home.test>'))?.code, 250)
  await peer.command('DATA')
  await peer.command('From: sender@provider.test\r\nSubject: Patience\r\n\r\nHello\r\n.')
  peer.destroy()
  await provider.settled()
  await provider.pass(4 * hour)
  const [notice = '', ...more] = await provider.mailbox('sender@provider.test')
  assert.deepEqual(more, [])
  assert.match(notice, /Subject: Still being delivered: Patience/)
  assert.match(
    notice,
    /Our server keeps mail for home\.test until the mail server\r\n {4}of that domain takes it/,
  )
  assert.match(notice, /Action: delayed\r\nStatus: 4\.4\.1\r\n/)
  assert.doesNotMatch(notice, /Last-Attempt-Date/)
  // Five days are the lifetime of other mail.
  await provider.pass(6 * day)
  assert.equal((await provider.mailbox('sender@provider.test')).length, 1)
  await provider.pass(24 * day)
  const [, last = ''] = await provider.mailbox('sender@provider.test')
  assert.match(last, /Subject: Not delivered: Patience/)
  assert.match(last, /Action: failed\r\nStatus: 5\.4\.1\r\n/)
})

test('nobody gets the mail of a domain that is not his, and of several none', async t => {
  const made = await startProvider(t)
  const { provider } = made
  for (const to of ['anna@home.test', 'boris@other.test'])
    await sendMessage(provider.port('relay'), to, 'Secret')
  await provider.settled()
  const stranger = await logIn(provider, 'stranger@provider.test')
  assert.equal((await stranger.command('ATRN home.test'))?.code, 450)
  assert.equal((await stranger.command('ATRN other.test,home.test'))?.code, 450)
  assert.equal((await stranger.command('ETRN home.test'))?.code, 459)
  // Without a domain it is his own.
  assert.equal((await stranger.command('TURN'))?.code, 250)
  await stranger.write('220 stranger\r\n')
  assert.equal(await heard(stranger), 'EHLO mx.provider.test')
  stranger.destroy()
  const nobody = await logIn(provider, 'sender@provider.test')
  assert.equal((await nobody.command('ATRN'))?.code, 450)
  nobody.destroy()
  const customer = await startCustomer(t, made)
  assert.deepEqual(await customer.fetchMail(), [{ host: '127.0.0.1', kind: 'fetched', messages: 1 }])
})

test('what the other server does not take waits for the next time, and does not hold the others up', async t => {
  const made = await startProvider(t)
  const { provider, clock } = made
  // There is no account boris: refused for good, and the sender, a stranger's address, would be told.
  for (const [to, subject] of [
    ['boris@home.test', 'Refused'],
    ['anna@home.test', 'Taken'],
  ] as const)
    await sendMessage(provider.port('relay'), to, subject)
  await provider.settled()
  // A customer that puts the first off, and takes the second.
  const peer = await logIn(provider)
  assert.equal((await peer.command('ATRN home.test'))?.code, 250)
  await peer.write('220 server.home.test ESMTP\r\n')
  assert.equal(await heard(peer), 'EHLO mx.provider.test')
  await peer.write('250 server.home.test\r\n')
  assert.equal(await heard(peer), 'MAIL FROM:<sender@example.net>')
  await peer.write('250 Ok\r\n')
  assert.equal(await heard(peer), 'RCPT TO:<boris@home.test>')
  await peer.write('450 4.2.1 Not now\r\n')
  assert.equal(await heard(peer), 'RSET')
  await peer.write('250 Ok\r\n')
  assert.equal(await heard(peer), 'MAIL FROM:<sender@example.net>')
  await peer.write('250 Ok\r\n')
  assert.equal(await heard(peer), 'RCPT TO:<anna@home.test>')
  await peer.write('250 Ok\r\n')
  assert.equal(await heard(peer), 'DATA')
  await peer.write('354 Go on\r\n')
  await heard(peer)
  await peer.write('250 Ok\r\n')
  assert.equal(await heard(peer), 'QUIT')
  await peer.write('221 Bye\r\n')
  await peer.closed
  clock.advance(minute)
  await provider.settled()
  const times = { since: 0, until: Number.MAX_SAFE_INTEGER, limit: 9 }
  const [found] = (await findMessages(provider.storage, { groups: [keysOf('boris@home.test')], ...times }))
    .found
  assert.ok(found?.queueId !== undefined)
  const { queueId, records } = found
  const attempted = records.find(({ event }) => event.kind === 'attempted')?.event
  assert.match(
    attempted ? describeEvent(attempted).text : '',
    /\[450 4\.2\.1 Not now\]; its server may come for it again; where it is not only kept for that, the next attempt /,
  )
  const now = clock.now()
  const told = describeWhy(
    { queueId, records, queued: await provider.storage.run(showQueuedMessage, { queueId }) },
    { now, retentionDays: 30, prospects: { gateOf: () => undefined, endFor: () => now + day } },
  )
  assert.match(
    told,
    /it is kept for the server of its domain, .* When that came for it last, .* \[450 4\.2\.1 Not now\]\./,
  )
  const customer = await startCustomer(t, made)
  // It refuses what is left, so it has taken nothing.
  assert.deepEqual(await customer.fetchMail(), [{ host: '127.0.0.1', kind: 'fetched', messages: 0 }])
})

test('a customer that breaks off loses nothing, and what it had is not sent again', async t => {
  const made = await startProvider(t)
  const { provider } = made
  for (const subject of ['First', 'Second', 'Third'])
    await sendMessage(provider.port('relay'), 'anna@home.test', subject)
  await provider.settled()
  const peer = await logIn(provider)
  assert.equal((await peer.command('ATRN'))?.code, 250)
  await peer.write('220 server.home.test ESMTP\r\n')
  for (const answer of ['250 server.home.test', '250 Ok', '250 Ok', '354 Go on', '250 Ok', '250 Ok']) {
    await heard(peer)
    await peer.write(`${answer}\r\n`)
  }
  assert.equal(await heard(peer), 'RCPT TO:<anna@home.test>')
  peer.destroy()
  const customer = await startCustomer(t, made)
  // The provider may still be about to notice that the first one has gone: whoever comes then finds what is free.
  let messages = 0
  for (let round = 0; messages < 2 && round < 50; round++)
    for (const fetched of await customer.fetchMail()) messages += fetched.messages
  await customer.settled()
  assert.deepEqual(
    (await customer.mailbox('anna@home.test')).map(text => /Subject: (\w+)/.exec(text)?.[1]).toSorted(),
    ['Second', 'Third'],
  )
})

test('ETRN makes the mail of a domain go to its own mail hosts for a while, and only of the right one', async t => {
  const clock = createManualClock()
  const home = await startComposedServer(t, {
    clock,
    hostname: 'mx.home.test',
    domains: ['home.test'],
    accounts: [{ address: 'anna@home.test' }],
  })
  const dns = await startDnsServer([
    'home.test MX 10 mx.home.test',
    'home.test MX 20 mx.provider.test',
    'mx.home.test A 127.0.0.1',
    'mx.provider.test A 127.0.0.2',
  ])
  t.after(() => dns.close())
  const provider = await startComposedServer(t, {
    clock,
    hostname: 'mx.provider.test',
    domains: ['provider.test'],
    accounts: [{ address: 'customer@provider.test' }, { address: 'stranger@provider.test' }],
    relays: [{ name: 'home.test', keeps: true, owner: 'customer@provider.test' }],
    settings: { delivery: { port: home.port('relay'), dnsServers: [dns.text] } },
  })
  await sendMessage(provider.port('relay'), 'anna@home.test', 'Wanted')
  await provider.settled()
  assert.deepEqual(await home.mailbox('anna@home.test'), [])
  const passer = await openConnection(provider.port('relay'))
  await passer.reply()
  await passer.command('EHLO passer.test')
  assert.equal((await passer.command('ETRN home.test'))?.code, 459)
  passer.destroy()
  const owner = await logIn(provider)
  assert.deepEqual((await owner.command('ETRN @test'))?.text, '2.0.0 Ok, 1 pending message for @test started')
  owner.destroy()
  assert.equal(
    (await asked(provider, 'customer@provider.test', 'queue-started')).text,
    'server.home.test (127.0.0.1), logged in as customer@provider.test, asked that the mail of @test be sent (ETRN), which is home.test: 1 message is tried now',
  )
  assert.equal(
    (await asked(provider, 'customer@provider.test', 'asked-for')).text,
    'It is tried now, because server.home.test (127.0.0.1), logged in as customer@provider.test, asked for the mail of home.test (ETRN)',
  )
  await provider.settled()
  await home.settled()
  assert.equal((await home.mailbox('anna@home.test')).length, 1)
  await sendMessage(provider.port('relay'), 'anna@home.test', 'At once')
  await provider.settled()
  await home.settled()
  assert.equal((await home.mailbox('anna@home.test')).length, 2)
  clock.advance(31 * minute)
  await sendMessage(provider.port('relay'), 'anna@home.test', 'Kept')
  await provider.settled()
  assert.equal((await home.mailbox('anna@home.test')).length, 2)
})

test('a backup MX takes mail for a domain from anywhere, and delivers it when the server is back', async t => {
  const clock = createManualClock()
  const dns = await startDnsServer(['home.test MX 20 mx.backup.test', 'mx.backup.test A 127.0.0.2'])
  t.after(() => dns.close())
  const home = await startComposedServer(t, {
    clock,
    hostname: 'mx.home.test',
    domains: ['home.test'],
    accounts: [{ address: 'anna@home.test' }],
  })
  const backup = await startComposedServer(t, {
    clock,
    hostname: 'mx.backup.test',
    domains: ['backup.test'],
    accounts: [],
    relays: [{ name: 'home.test', anyoneStarts: true }],
    settings: { delivery: { port: home.port('relay'), dnsServers: [dns.text] } },
  })
  await sendMessage(backup.port('relay'), 'anna@home.test', 'Backup')
  await backup.settled()
  // The DNS names this server alone: that is no reason to give up. A week is more than other mail gets.
  await backup.pass(7 * day)
  dns.setZone(['home.test MX 10 mx.home.test', 'mx.home.test A 127.0.0.1'])
  clock.advance(1.5 * minute)
  const passer = await openConnection(backup.port('relay'))
  await passer.reply()
  await passer.command('EHLO mx.home.test')
  const started = await passer.command('ETRN home.test')
  assert.equal(started?.text, '2.0.0 Ok, 1 pending message for home.test started')
  // Again at once: nothing more is done for a stranger.
  assert.equal((await passer.command('ETRN home.test'))?.code, 250)
  passer.destroy()
  await backup.settled()
  await home.settled()
  assert.equal((await home.mailbox('anna@home.test')).length, 1)
})

/** As if the disk had flipped bits: what is stored no longer fits its checksum. */
const damageFirst = defineWrite('test.damage-first', async tx => {
  await tx.run(
    'UPDATE mail_data SET checksum = ? WHERE id = (SELECT min(id) FROM mail_data)',
    new Uint8Array(32),
  )
})

test('a message that cannot be read does not keep the others from being fetched', async t => {
  const made = await startProvider(t)
  const { provider } = made
  for (const subject of ['Damaged', 'Second', 'Third'])
    await sendMessage(provider.port('relay'), 'anna@home.test', subject)
  await provider.settled()
  await provider.storage.run(damageFirst, undefined)
  const customer = await startCustomer(t, made)
  assert.deepEqual(await customer.fetchMail(), [{ host: '127.0.0.1', kind: 'fetched', messages: 2 }])
  await customer.settled()
  assert.equal((await customer.mailbox('anna@home.test')).length, 2)
})

test('a server that stops lets the transaction end, and begins no other', async t => {
  const made = await startProvider(t)
  const { provider } = made
  for (const subject of ['First', 'Second'])
    await sendMessage(provider.port('relay'), 'anna@home.test', subject)
  await provider.settled()
  const peer = await logIn(provider)
  assert.equal((await peer.command('ATRN'))?.code, 250)
  await peer.write('220 server.home.test ESMTP\r\n')
  for (const answer of ['250 server.home.test', '250 Ok', '250 Ok']) {
    await heard(peer)
    await peer.write(`${answer}\r\n`)
  }
  assert.equal(await heard(peer), 'DATA')
  const stopped = provider.stopListening(60_000)
  await peer.write('354 Go on\r\n')
  await heard(peer)
  await peer.write('250 Ok\r\n')
  assert.equal(await heard(peer), 'QUIT')
  await peer.write('221 Bye\r\n')
  await stopped
  // What was not begun went back to the queue, where it is kept.
  await provider.settled()
  const { messages } = await provider.storage.run(startRelayQueue, {
    domains: ['home.test'],
    asked: { remoteAddress: '127.0.0.1' },
    now: made.clock.now(),
    startsUntil: 0,
  })
  assert.equal(messages, 1)
})
