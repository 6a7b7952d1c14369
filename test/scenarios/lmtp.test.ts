// LMTP (RFC 2033) into mailboxes here: what each recipient is told is so at that moment.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { removeAccount } from '../../src/directory/accounts.ts'
import { countQueue, listQueue } from '../../src/queue/list-queue.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { openConnection, type RawConnection, type RawReply } from '../harness/raw-connection.ts'

const address = (text: string) => parseAddress(text) ?? assert.fail(text)

async function start(
  t: TestContext,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<ComposedServer> {
  const server = await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test' }, { address: 'boris@here.test' }],
    aliases: [
      { address: 'info@here.test', targets: ['anna@here.test'] },
      { address: 'out@here.test', targets: ['clara@elsewhere.test'] },
      { address: 'both@here.test', targets: ['boris@here.test', 'clara@elsewhere.test'] },
      { address: 'team@here.test', targets: ['info@here.test', 'boris@here.test'] },
    ],
    relays: [{ name: 'relay.test' }],
    settings: { delivery: { dnsServers: ['127.0.0.1:1'] }, ...settings },
  })
  // Nothing may come by way of the queue.
  await server.agent.stop(0)
  return server
}

async function open(t: TestContext, server: ComposedServer): Promise<RawConnection> {
  const peer = await openConnection(server.port('lmtp'))
  t.after(() => peer.destroy())
  assert.equal((await peer.reply())?.code, 220)
  assert.equal((await peer.command('LHLO front.here.test'))?.code, 250)
  return peer
}

const message = 'From: <a@example.org>\r\nSubject: News\r\n\r\nText\r\n'

/** What each of the recipients that RCPT took is told in the end. */
async function hand(
  peer: RawConnection,
  recipients: readonly string[],
  { from = 'a@example.org', text = message, before = async () => {} } = {},
): Promise<string[]> {
  assert.equal((await peer.command(`MAIL FROM:<${from}>`))?.code, 250)
  for (const recipient of recipients) {
    const reply = await peer.command(`RCPT TO:${recipient.includes('<') ? recipient : `<${recipient}>`}`)
    assert.match(line(reply), /^250 /)
  }
  assert.equal((await peer.command('DATA'))?.code, 354)
  await before()
  await peer.write(`${text}.\r\n`)
  const told: string[] = []
  for (const _ of recipients) told.push(line(await peer.reply()))
  return told
}

const line = (reply: RawReply | undefined): string => (reply ? `${reply.code} ${reply.text}` : 'closed')

async function remove({ storage }: ComposedServer, account: string): Promise<void> {
  await storage.run(removeAccount, { address: address(account), withContents: true })
}

const queueIdIn = (text = ''): string => /as ([0-9A-Z]{11})/.exec(text)?.[1] ?? assert.fail(text)
const queued = async ({ storage }: ComposedServer): Promise<number> =>
  (await storage.run(countQueue, undefined)).messages

test('what is delivered is in the mailbox when the reply comes, and in no queue', async t => {
  const server = await start(t)
  const peer = await open(t, server)
  const told = await hand(peer, ['anna@here.test', 'boris+news@here.test'])
  const id = queueIdIn(told[0])
  assert.deepEqual(told, [
    `250 2.0.0 <anna@here.test> delivered as ${id}`,
    `250 2.0.0 <boris+news@here.test> delivered as ${id}`,
  ])
  assert.equal(await queued(server), 0)
  const [text] = await server.mailbox('anna@here.test')
  assert.match(
    text ?? '',
    /^Return-Path: <a@example\.org>\r\nDelivered-To: anna@here\.test\r\nReceived: from front\.here\.test \(\[127\.0\.0\.1\]\)\r\n\tby mail\.here\.test \(Postrider\) with LMTP id/,
  )
  assert.equal((await server.mailbox('boris@here.test')).length, 1)
  const trail = await server.trail(id)
  assert.deepEqual(
    trail.map(({ kind }) => kind),
    ['received', 'attempted', 'attempted'],
  )
  assert.match(
    trail.map(event => describeEvent(event).text).join('\n'),
    /^Received over LMTP from [\s\S]*mailbox INBOX/,
  )
})

test('an alias that ends in mailboxes here is delivered at once, and each account has one copy', async t => {
  const server = await start(t)
  const peer = await open(t, server)
  const told = await hand(peer, ['team@here.test', 'anna@here.test', 'anna@here.test'])
  for (const reply of told) assert.match(reply, /^250 2\.0\.0 <.*> delivered as /)
  assert.equal((await server.mailbox('anna@here.test')).length, 1)
  assert.match(
    (await server.mailbox('anna@here.test'))[0] ?? '',
    /Delivered-To: anna@here\.test\r\nDelivered-To: info@here\.test\r\nDelivered-To: team@here\.test\r\n/,
  )
  assert.equal((await server.mailbox('boris@here.test')).length, 1)
  assert.equal(await queued(server), 0)
})

test('what leads to another server goes into the queue, in the transaction that files the rest', async t => {
  const server = await start(t)
  const peer = await open(t, server)
  const told = await hand(peer, ['anna@here.test', 'out@here.test', 'both@here.test'])
  const id = queueIdIn(told[0])
  assert.deepEqual(told, [
    `250 2.0.0 <anna@here.test> delivered as ${id}`,
    `250 2.0.0 Ok: queued as ${id}`,
    `250 2.0.0 Ok: queued as ${id}`,
  ])
  assert.equal((await server.mailbox('anna@here.test')).length, 1)
  // Of those who share an alias with somebody elsewhere nobody has it yet: the queue expands it.
  assert.equal((await server.mailbox('boris@here.test')).length, 0)
  const { messages } = await server.storage.run(listQueue, { selection: {}, afterId: 0, limit: 10 })
  assert.deepEqual(
    messages.flatMap(({ recipients }) => recipients.map(({ forwardPath }) => forwardPath.localPart)),
    ['out', 'both'],
  )
})

test('nobody relays by LMTP: neither to other domains, nor to those that this server keeps mail for', async t => {
  const server = await start(t, { localNetworks: ['127.0.0.0/8'] })
  const peer = await open(t, server)
  assert.equal((await peer.command('MAIL FROM:<a@example.org>'))?.code, 250)
  for (const domain of ['elsewhere.test', 'relay.test'])
    assert.match(line(await peer.command(`RCPT TO:<clara@${domain}>`)), /^550 5\.1\.2 <clara@/)
  assert.match(line(await peer.command('RCPT TO:<nobody@here.test>')), /^550 5\.1\.1/)
  assert.match(line(await peer.command('DATA')), /^503 5\.5\.1/)
})

test('an account that goes away before the end of the message is no more told of than it is there', async t => {
  const server = await start(t)
  const peer = await open(t, server)
  const told = await hand(peer, ['boris@here.test', 'anna@here.test'], {
    before: () => remove(server, 'boris@here.test'),
  })
  assert.match(told[0] ?? '', /^550 5\.1\.1 /)
  assert.match(told[1] ?? '', /^250 2\.0\.0 <anna@here\.test> delivered/)
  const gone = await hand(peer, ['anna@here.test'], {
    before: () => remove(server, 'anna@here.test'),
  })
  assert.match(gone[0] ?? '', /^550 5\.1\.1 /)
  assert.equal(await queued(server), 0)
})

test('a success that is asked for is reported, together with the delivery (RFC 3461)', async t => {
  const server = await start(t)
  const peer = await open(t, server)
  await hand(peer, ['<anna@here.test> NOTIFY=SUCCESS ORCPT=rfc822;anna@here.test', 'boris@here.test'])
  const { messages } = await server.storage.run(listQueue, { selection: {}, afterId: 0, limit: 10 })
  assert.deepEqual(
    messages.map(({ message: { isReport }, recipients }) => [
      isReport,
      recipients.map(({ forwardPath: { localPart, domain } }) => `${localPart}@${domain}`),
    ]),
    [[true, ['a@example.org']]],
  )
})

test('while the queue is on hold mail waits there, and each recipient is told so', async t => {
  const server = await start(t, { queue: { hold: true } })
  const peer = await open(t, server)
  const told = await hand(peer, ['anna@here.test', 'boris@here.test'])
  for (const reply of told) assert.match(reply, /^250 2\.0\.0 Ok: queued as /)
  assert.equal((await server.mailbox('anna@here.test')).length, 0)
  assert.equal(await queued(server), 1)
})

test('a message that is refused as a whole is refused to each, and nothing of it stays', async t => {
  const server = await start(t, { delivery: { dnsServers: ['127.0.0.1:1'], maxReceivedFields: 10 } })
  const peer = await open(t, server)
  const told = await hand(peer, ['anna@here.test', 'boris@here.test'], {
    text: 'Received: by a.test\r\n'.repeat(11) + message,
  })
  for (const reply of told) assert.match(reply, /^554 5\.4\.6 /)
  assert.equal((await server.mailbox('anna@here.test')).length, 0)
})
