// In whose name our users may write: what a mail program is told of the From and Sender fields, and what the trail says of mail
// that left unsigned.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { describeWhy } from '../../src/cli/describe-why.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { changeGroup, createRedirection } from '../../src/directory/redirections.ts'
import { parseQueueId } from '../../src/queue/queue-id.ts'
import { trailOfMessage } from '../../src/trail/operations.ts'
import { startPeer } from '../delivery/remote-peer.ts'
import { awaitEvent } from '../harness/await-events.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { logInPlain, openSession } from '../harness/log-in.ts'
import type { RawReply } from '../harness/raw-connection.ts'

async function start(
  t: TestContext,
  submission: Readonly<Record<string, unknown>> = {},
): Promise<ComposedServer> {
  const peer = await startPeer({ address: '127.0.0.3' })
  t.after(() => peer.close())
  const dns = await startDnsServer(['there.test MX 10 mx.there.test', `mx.there.test A ${peer.address}`])
  t.after(() => dns.close())
  return await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test', 'second.test'],
    accounts: [{ address: 'anna@here.test' }, { address: 'boss@here.test' }],
    aliases: [
      { address: 'info@here.test', targets: ['anna@here.test'] },
      { address: 'анна@second.test', targets: ['anna@here.test'] },
    ],
    settings: {
      delivery: { port: peer.port, dnsServers: [dns.text] },
      submission: { allowPlaintextAuthOnLoopback: true, ...submission },
    },
  })
}

interface Submitted {
  readonly reversePath?: string
  readonly utf8?: true
}

/** The reply to a message that anna submits with these header fields. */
async function submit(
  server: ComposedServer,
  fields: readonly string[],
  { reversePath = 'anna@here.test', utf8 }: Submitted = {},
): Promise<RawReply> {
  const session = await openSession(server.port('submission'))
  assert.equal(await logInPlain(session, 'anna@here.test', 'secret'), 235)
  const mail = await session.command(`MAIL FROM:<${reversePath}>${utf8 ? ' SMTPUTF8' : ''}`)
  assert.equal(mail?.code, 250)
  assert.equal((await session.command('RCPT TO:<boris@there.test>'))?.code, 250)
  assert.equal((await session.command('DATA'))?.code, 354)
  await session.write(`${[...fields, 'Subject: Hello'].join('\r\n')}\r\n\r\nText\r\n.\r\n`)
  const reply = await session.reply()
  session.destroy()
  await server.settled()
  return reply ?? assert.fail('no reply')
}

test('a From field with an address of somebody else is refused, and the reply says whose it is not and what to do', async t => {
  const server = await start(t)
  const reply = await submit(server, ['From: The boss <boss@here.test>'])
  assert.equal(reply.code, 550)
  assert.deepEqual(reply.lines, [
    '5.7.1 The From field has <boss@here.test>, which is not an address of anna@here.test, who may also send as info@here.test',
    '5.7.1 Choose one of your own addresses as the sender in your mail program; the administrator can give you this one as an alias',
  ])
  const refused = await awaitEvent(server, 'refused')
  assert.partialDeepStrictEqual(refused, {
    command: 'DATA',
    account: 'anna@here.test',
    recipients: ['boris@there.test'],
  })
})

test('a member of a group writes in its name where the group says so, in MAIL and in the From field', async t => {
  const server = await start(t)
  const [group, anna] = [parseAddress('sales@here.test'), parseAddress('anna@here.test')]
  assert.ok(group && anna)
  const at = server.clock.now()
  await server.storage.run(createRedirection, {
    kind: 'group',
    address: group,
    name: '',
    targets: [anna],
    at,
  })
  const fields = ['From: Sales <sales@here.test>']
  const refused = await submit(server, fields)
  assert.match(
    refused.text,
    /has <sales@here\.test>, which is not an address of anna@here\.test, who may also send as info@/,
  )
  await server.storage.run(changeGroup, { address: group, membersSend: true })
  assert.equal((await submit(server, fields)).code, 250)
  assert.equal((await submit(server, fields, { reversePath: 'sales@here.test' })).code, 250)
})

test('whoever else could be shown as the author or the sender is looked at too', async t => {
  const server = await start(t)
  const foreign: readonly (readonly [RegExp, readonly string[]])[] = [
    [/From field has <ceo@bank\.test>/, ['From: ceo@bank.test']],
    [/From field has <boss@/, ['From: anna@here.test, Boss <boss@here.test>', 'Sender: anna@here.test']],
    [/From field has <boss@/, ['From: all: anna@here.test, boss@here.test;']],
    [/Sender field has <boss@/, ['From: anna@here.test', 'Sender: boss@here.test']],
    [/From field has <boss@/, ['From : boss@here.test']],
    [/From field has <boss@/, ['From: "Anna"', ' <boss@here.test>']],
    [/From field has <boss@/, ['Resent-From: anna@here.test', 'From: boss@here.test']],
    [/has <boss@here\.test@here\.test>, which is no address/, ['From: <boss@here.test@here.test>']],
    [/has <boss@here\.test anna@here\.test>, which is no/, ['From: boss@here.test anna@here.test']],
    [
      /From field has more addresses than/,
      ['From: Anna', ...Array(200).fill(` ${'x'.repeat(90)}`), ' <boss@here.test>'],
    ],
  ]
  for (const [told, fields] of foreign) {
    const reply = await submit(server, fields)
    assert.equal(reply.code, 550, fields.join())
    assert.match(reply.text, told)
  }
})

test('where programs may show an address that stands in no address, it is refused, whosever it is', async t => {
  const server = await start(t)
  for (const field of [
    '=?utf-8?q?boss=40here.test?=',
    'Boss <=?utf-8?q?boss=40here.test?=>',
    'Boss =?utf-8?q?=3Cboss=40here.test=3E?=',
    'boss@here.test <>',
    'boss@here.test <undisclosed>',
    '(boss <boss@here.test>',
    '"boss <boss@here.test>',
    'Anna <anna@here.test>, =?utf-8?q?boss=40here.test?=',
  ]) {
    const reply = await submit(server, [`From: ${field}`])
    assert.equal(reply.code, 550, field)
    assert.match(reply.text, /From field has <.*boss@here\.test>+, which is no address that every/, field)
  }
  const unknown = await submit(server, ['From: =?x-own?q?boss=40here.test?='])
  assert.match(unknown.text, /From field has <=\?x-own\?q\?boss=40here\.test\?=>, which is no address/)
})

test('a From field that names nobody is refused', async t => {
  const server = await start(t)
  for (const field of ['From:', 'From: <>', 'From: undisclosed:;', 'From: (The boss)']) {
    const reply = await submit(server, [field])
    assert.equal(reply.code, 550, field)
    assert.match(reply.text, /^5\.7\.1 The From field names nobody; write one of your own addresses/, field)
  }
})

test('an account writes as itself, and as its subaddresses and aliases', async t => {
  const server = await start(t)
  const own: readonly (readonly [readonly string[], Submitted])[] = [
    [['From: Anna <Anna@Here.test>'], {}],
    [['From: anna+shop@here.test'], {}],
    [['From: info@here.test'], {}],
    [['From: info@here.test'], { reversePath: 'info@here.test' }],
    [['From: anna@here.test, info@here.test', 'Sender: anna@here.test'], {}],
    [['From: анна@second.test'], { utf8: true }],
    [[], {}],
    [['From: anna'], {}],
    [['From: "boss@here.test" <anna@here.test>'], {}],
    [['From: =?utf-8?q?Anna_=28boss=40here.test=29?= <anna@here.test>'], {}],
    [['From: Anna <anna@here.test> (Sales'], {}],
    // A report that it has read something.
    [['From: anna@here.test'], { reversePath: '' }],
  ]
  for (const [fields, more] of own)
    assert.match((await submit(server, fields, more)).text, /^2\.0\.0 Ok: queued/, fields.join())
})

test('in a reply for a client that knows no UTF-8 there is none', async t => {
  const server = await start(t)
  const plain = await submit(server, ['From: босс@here.test'])
  assert.match(plain.text, /has <\?\?\?\?@here\.test>/)
  const utf8 = await submit(server, ['From: босс@here.test'], { utf8: true })
  assert.match(utf8.text, /has <босс@here\.test>, .* info@here\.test, анна@second\.test/)
})

test('with "own-domain" an account writes as anybody of its domain, and of no other', async t => {
  const server = await start(t, { senderAddress: 'own-domain' })
  assert.equal((await submit(server, ['From: boss@here.test'])).code, 250)
  assert.equal((await submit(server, ['From: ceo@second.test'])).code, 550)
})

test('with "any" it writes as it likes, and of what is not signed for that the trail and "why" say so', async t => {
  const server = await start(t, { senderAddress: 'any' })
  const reply = await submit(server, ['From: ceo@bank.test', 'Sender: x@else.test'])
  assert.equal(reply.code, 250, reply.text)
  const queueId = parseQueueId(/queued as (\w+)/.exec(reply.text)?.[1] ?? '') ?? assert.fail(reply.text)
  const records = await server.storage.run(trailOfMessage, { queueId })
  const notes = records.flatMap(({ event }) => describeEvent(event).notes ?? [])
  const why =
    'its From field is of bank.test, which is no domain of this server: only that domain itself can sign it'
  assert.ok(notes.includes(`Not signed (DKIM): ${why}`), notes.join('\n'))
  const told = describeWhy(
    { queueId, records, queued: undefined },
    {
      now: server.clock.now(),
      retentionDays: 30,
      prospects: { gateOf: () => undefined, endFor: () => server.clock.now() },
    },
  )
  assert.ok(told.endsWith(` It was not signed (DKIM): ${why}.`), told)
})
