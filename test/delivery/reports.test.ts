// What senders are told: in their mailbox, in words that a person understands, once, and never about a report.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { cancelRecipients } from '../../src/queue/administer.ts'
import { createQueueIdMaker, formatQueueId, parseQueueId, type QueueId } from '../../src/queue/queue-id.ts'
import { StorageFault } from '../../src/storage/storage-fault.ts'
import { eventually } from '../harness/eventually.ts'
import { administer } from '../queue/open-queue.ts'
import { type RemotePeer, startPeer } from './remote-peer.ts'
import { createWorld, hour, idSpaceOfAgents, minute, type World, type WorldOptions } from './world.ts'

const anna = 'anna@example.test'

/** A sender here, and a remote server whose answers the test gives. */
async function senderAndPeer(
  t: TestContext,
  options: WorldOptions = {},
): Promise<{ world: World; peer: RemotePeer }> {
  const peer = await startPeer({ address: '127.0.0.2' })
  t.after(() => peer.close())
  const world = await createWorld(t, { ...options, delivery: { port: peer.port } })
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', peer.address)
  await world.account(anna)
  return { world, peer }
}

const refuseUnknown = (command: string): string | undefined =>
  command.startsWith('RCPT') && command.includes('nobody') ? '550 5.1.1 No such user here' : undefined
const refuseAll = (command: string): string | undefined =>
  command.startsWith('RCPT') ? '550 5.1.1 No such user here' : undefined
const greylist = (command: string): string | undefined =>
  command.startsWith('RCPT') ? '451 4.7.1 Please come back later' : undefined

test('an unknown user: a report in the mailbox of the sender, with cause, machine part and original headers', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = refuseUnknown
  const id = await world.post({
    from: anna,
    to: ['nobody@example.org'],
    text: 'From: <anna@example.test>\r\nSubject: Invoice 4711\r\nMessage-ID: <1@example.test>\r\n\r\nSecret body\r\n',
    message: { envelopeId: 'env-1' },
  })
  const reports = await world.mailbox(anna)
  assert.equal(reports.length, 1)
  const [report = ''] = reports
  assert.match(report, /^Return-Path: <>\r\nDelivered-To: anna@example\.test\r\n/)
  assert.match(report, /^Content-Type: multipart\/report; report-type=delivery-status/im)
  assert.match(report, /^Final-Recipient: rfc822; ?nobody@example\.org/im)
  assert.match(report, /^Action: failed/im)
  assert.match(report, /^Status: 5\.1\.1/im)
  assert.match(report, /^Diagnostic-Code: smtp; ?550 5\.1\.1 No such user here/im)
  assert.match(report, /^Remote-MTA: dns; ?mx1\.example\.org/im)
  assert.match(report, /^Original-Envelope-Id: env-1/im)
  assert.match(report, /^Subject: Invoice 4711/im)
  assert.doesNotMatch(report, /Secret body/)
  const events = await world.events(id)
  const reported = events.find(event => event.kind === 'reported')
  assert.deepEqual(reported?.recipients, ['nobody@example.org'])
  const [written, origin] = await world.events(parseQueueId(reported.reportId) ?? 0)
  assert.ok(written?.kind === 'written' && origin?.kind === 'reports')
  assert.deepEqual(written.recipients, [anna])
  assert.equal(written.subject, 'Not delivered: Invoice 4711')
  assert.match(written.messageId ?? '', /@mail\.example\.test$/)
  assert.equal(origin.aboutId, formatQueueId(id))
  assert.equal(await world.waiting(), 0)
})

/** Its report, which brings the header section back, is too large for a row. */
const longHeader = `Subject: Long\r\n${'X-Filler: y\r\n'.repeat(6000)}`

test('one who was cancelled while the attempt was under way is not in the report about the others', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = command => (command.startsWith('RCPT') ? 'silence' : undefined)
  await world.accept({ from: anna, to: ['nobody@example.org', 'none@example.org'] })
  world.agent.wake()
  await peer.seen('RCPT')
  await administer(world.storage, cancelRecipients, { forwardPath: 'none@example.org' }, world.clock.now())
  peer.script = refuseAll
  peer.answer('550 5.1.1 No such user here')
  await world.agent.idle()
  const [report = '', ...others] = await world.mailbox(anna)
  assert.match(report, /^Final-Recipient: rfc822; ?nobody@example\.org/im)
  assert.doesNotMatch(report, /^Final-Recipient: rfc822; ?none@/im)
  assert.deepEqual(others, [])
  assert.equal(await world.waiting(), 0)
})

test('a report whose queue id another message has gets another, and the attempt is not made again', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = refuseUnknown
  const taken = createQueueIdMaker(world.clock, idSpaceOfAgents)()
  await world.post({ from: null, to: [anna], text: 'Subject: First\r\n\r\n', message: { id: taken } })
  await world.post({ from: anna, to: ['nobody@example.org'] })
  const [first, report] = await world.mailbox(anna)
  assert.match(first ?? '', /^Subject: First/m)
  assert.match(report ?? '', /^Status: 5\.1\.1/m)
  assert.equal(peer.commands.filter(command => command.startsWith('RCPT')).length, 1)
  assert.deepEqual(world.errors, [])
})

test('no room for a report: the outcome waits with it, and what has left is not sent again', async t => {
  let isFull = false
  const { world, peer } = await senderAndPeer(t, {
    faultyMailData: real => ({
      ...real,
      create() {
        const writer = real.create()
        return {
          get size() {
            return writer.size
          },
          write: chunk => writer.write(chunk),
          abort: () => writer.abort(),
          finish: () =>
            isFull
              ? Promise.reject(new StorageFault('STORAGE_DISK_FULL', 'The disk is full.'))
              : writer.finish(),
        }
      },
    }),
  })
  const to = [{ address: 'boris@example.org', notify: ['SUCCESS'] }] as const
  isFull = true
  const id = await world.accept({ from: anna, to, text: `${longHeader}\r\nText\r\n` })
  world.agent.wake()
  await eventually('the outcome waits', async () =>
    world.errors.some(error => error.startsWith('outcomes cannot be written')) ? true : undefined,
  )
  // Longer than a lease.
  world.clock.advance(10 * minute)
  isFull = false
  world.clock.advance(minute)
  await world.agent.idle()
  assert.equal(peer.messages.length, 1)
  assert.equal((await world.attempts(id)).length, 1)
  assert.equal((await world.mailbox(anna)).length, 1)
})

test('a file that cannot be removed costs no report', async t => {
  let vain = 1
  const { world } = await senderAndPeer(t, {
    faultyMailData: real => ({
      ...real,
      discard: names =>
        vain-- > 0 ? Promise.reject(new Error('EACCES: permission denied')) : real.discard(names),
    }),
  })
  const to = [{ address: 'boris@example.org', notify: ['SUCCESS'] }] as const
  await world.post({ from: anna, to, text: `${longHeader}\r\n${'x\r\n'.repeat(30_000)}` })
  assert.equal(vain, 0, 'a removal was tried, in vain')
  const [report = '', ...others] = await world.mailbox(anna)
  assert.deepEqual(others, [])
  assert.match(report, /^Action: relayed/m)
  assert.equal(await world.waiting(), 0)
})

test('several recipients that fail together stand in one report', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = refuseUnknown
  await world.post({ from: anna, to: ['nobody1@example.org', 'nobody2@example.org', 'boris@example.org'] })
  const reports = await world.mailbox(anna)
  assert.equal(reports.length, 1)
  assert.equal(reports[0]?.match(/^Final-Recipient:/gim)?.length, 2)
})

/** A second receiver, that of example.net, does not say yet what it makes of the recipient. */
async function undecided(t: TestContext): Promise<{ world: World; other: RemotePeer; id: QueueId }> {
  const { world, peer } = await senderAndPeer(t)
  peer.script = refuseAll
  const other = await startPeer({ address: '127.0.0.3', port: peer.port })
  t.after(() => other.close())
  other.script = command => (command.startsWith('RCPT') ? 'silence' : undefined)
  world.dns.mx('example.net', 10, 'mx1.example.net')
  world.dns.host('mx1.example.net', other.address)
  await world.account('olga@example.test')
  const id = await world.accept({ from: anna, to: ['nobody@example.org', 'none@example.net'] })
  world.agent.wake()
  await other.seen('RCPT')
  // Of another message, for which nothing is waited: what was refused before it is known by now.
  await world.accept({ from: 'olga@example.test', to: ['nobody@example.org'] })
  world.agent.wake()
  await eventually('the report to olga', async () => (await world.mailbox('olga@example.test'))[0])
  return { world, other, id }
}

const reported = (report: string): readonly string[] =>
  [...report.matchAll(/^Final-Recipient: rfc822; ?(.*)\r$/gim)].map(([, address = '']) => address).sort()

test('those that fail at several receivers stand in one report', async t => {
  const { world, other } = await undecided(t)
  assert.deepEqual(await world.mailbox(anna), [])
  other.script = refuseAll
  other.answer('550 5.1.1 No such user here')
  await world.agent.idle()
  const reports = await world.mailbox(anna)
  assert.deepEqual(reports.map(reported), [['nobody@example.org', 'none@example.net']])
  assert.equal(await world.waiting(), 0)
})

test('a receiver that does not answer keeps the report about another for ten seconds', async t => {
  const { world, other } = await undecided(t)
  world.clock.advance(10_000)
  await eventually('the first report', async () => (await world.mailbox(anna))[0])
  other.script = refuseAll
  other.answer('550 5.1.1 No such user here')
  await world.agent.idle()
  assert.deepEqual((await world.mailbox(anna)).map(reported), [['nobody@example.org'], ['none@example.net']])
})

test('a failure that waits for others is not lost when the agent stops, nor when it dies', async t => {
  const stopped = await undecided(t)
  await stopped.world.agent.stop(0)
  const events = await stopped.world.events(stopped.id)
  assert.deepEqual(
    events.flatMap(event => (event.kind === 'reported' ? event.recipients : [])),
    ['nobody@example.org'],
  )
  const { world, other } = await undecided(t)
  world.killAgents()
  other.script = refuseAll
  const agent = world.createAgent('after-death')
  await agent.start()
  await agent.idle()
  assert.deepEqual((await world.mailbox(anna)).flatMap(reported).sort(), [
    'nobody@example.org',
    'none@example.net',
  ])
})

test('what a big receiver says is told with its page', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = command =>
    command.startsWith('RCPT')
      ? "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150)."
      : undefined
  await world.post({ from: anna, to: ['boris@example.org'] })
  const [report = ''] = await world.mailbox(anna)
  assert.match(report, /ask\s+Outlook\.com\s+to\s+take\s+it\s+off/)
  assert.match(report, /https:\/\/sendersupport\.olc\.protection\.outlook\.com\/pm\//)
})

test('a Russian sender is told in Russian', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = refuseUnknown
  await world.post({ from: anna, to: ['nobody@example.org'], message: { language: 'ru' } })
  const [report = ''] = await world.mailbox(anna)
  const text = decodeBase64Parts(report)
  assert.match(text, /[а-яё]{4,}/iu)
  assert.match(text, /mx1\.example\.org \(127\.0\.0\.2:\d+\)\s+отклонил\s+RCPT/u)
  assert.doesNotMatch(text, /refused/)
})

test('an unknown address of our own is reported too', async t => {
  const { world } = await senderAndPeer(t)
  await world.post({ from: anna, to: ['nobody@example.test'] })
  const [report = ''] = await world.mailbox(anna)
  assert.match(report, /^Status: 5\.1\.1/im)
})

test('RET=FULL gives the message back', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = refuseUnknown
  await world.post({ from: anna, to: ['nobody@example.org'], message: { ret: 'FULL' } })
  const [report = ''] = await world.mailbox(anna)
  assert.match(report, /^Text\r$/m)
})

test('the end of the lifetime is reported, after attempts to the very end', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = greylist
  const id = await world.post({ from: anna, to: ['boris@example.org'], message: { language: 'en' } })
  for (let n = 0; n < 50 * 6; n++) await world.pass(10 * minute)
  const attempts = await world.attempts(id)
  assert.equal(attempts.at(-1)?.outcome.kind, 'expired')
  assert.ok(attempts.length > 40 && attempts.length < 60, `${attempts.length} attempts`)
  const actions = (await world.mailbox(anna)).map(report => /^Action: (\w+)/im.exec(report)?.[1])
  assert.deepEqual(actions, ['delayed', 'failed'])
  assert.equal(await world.waiting(), 0)
})

test('a delay is told once, and says until when it is tried', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = greylist
  await world.post({ from: anna, to: ['boris@example.org'] })
  for (let n = 0; n < 3; n++) await world.pass(hour)
  assert.equal((await world.mailbox(anna)).length, 0)
  for (let n = 0; n < 10; n++) await world.pass(hour)
  const reports = await world.mailbox(anna)
  assert.equal(reports.length, 1)
  assert.match(reports[0] ?? '', /^Will-Retry-Until: /im)
})

test('the notice of a delay comes when the settings say, whatever the schedule', async t => {
  const peer = await startPeer({ address: '127.0.0.2', script: greylist })
  t.after(() => peer.close())
  const retryMinutes = [1, 5, 15, 30, 60, 120, 240]
  const world = await createWorld(t, { delivery: { port: peer.port }, queue: { retryMinutes } })
  await world.account(anna)
  world.dns.host('example.org', '127.0.0.2')
  await world.post({ from: anna, to: ['boris@example.org'] })
  for (let n = 0; n < 24; n++) {
    assert.equal((await world.mailbox(anna)).length, 0)
    await world.pass(10 * minute)
  }
  assert.equal((await world.mailbox(anna)).length, 1)
})

for (const { notify, told } of [
  { notify: [], told: [] },
  { notify: ['SUCCESS'], told: [] },
  { notify: ['FAILURE'], told: ['failed'] },
  { notify: ['DELAY'], told: ['delayed'] },
] as const) {
  test(`NOTIFY=${notify.join(',') || 'NEVER'} on a message that expires`, async t => {
    const { world, peer } = await senderAndPeer(t)
    peer.script = greylist
    await world.post({ from: anna, to: [{ address: 'boris@example.org', notify }] })
    for (let n = 0; n < 60; n++) await world.pass(hour)
    const actions = (await world.mailbox(anna)).map(report => /^Action: (\w+)/im.exec(report)?.[1])
    assert.deepEqual(actions, told)
    assert.equal(await world.waiting(), 0)
  })
}

// RFC 3461 §4.1, §5.2.2 – §5.2.6: who asked for nothing hears of failures; an empty list is NEVER.
for (const { notify, told } of [
  { notify: undefined, told: ['failed'] },
  { notify: [], told: [] },
  { notify: ['FAILURE'], told: ['failed'] },
  { notify: ['DELAY'], told: [] },
  { notify: ['SUCCESS'], told: ['delivered', 'relayed'] },
  { notify: ['SUCCESS', 'FAILURE', 'DELAY'], told: ['delivered', 'failed', 'relayed'] },
] as const) {
  test(`NOTIFY=${notify?.join(',') ?? '(none)'}: what is told of a refusal, a relay and a delivery`, async t => {
    const { world, peer } = await senderAndPeer(t)
    await world.account('clara@example.test')
    peer.script = refuseUnknown
    for (const address of ['nobody@example.org', 'boris@example.org', 'clara@example.test'])
      await world.post({ from: anna, to: [{ address, notify }], message: { envelopeId: 'env-9' } })
    const reports = await world.mailbox(anna)
    assert.deepEqual(reports.map(report => /^Action: (\w+)/im.exec(report)?.[1]).sort(), told)
    for (const report of reports) assert.match(report, /^Original-Envelope-Id: env-9\r$/m)
  })
}

test('success: delivered here, relayed to a server without DSN, left to a server with DSN', async t => {
  const { world, peer } = await senderAndPeer(t)
  await world.account('clara@example.test')
  const notify = ['SUCCESS'] as const
  await world.post({ from: anna, to: [{ address: 'clara@example.test', notify }] })
  await world.post({ from: anna, to: [{ address: 'boris@example.org', notify }] })
  const actions = (await world.mailbox(anna)).map(report => /^Action: (\w+)/im.exec(report)?.[1])
  assert.deepEqual(actions, ['delivered', 'relayed'])
  world.clock.advance(10_000)
  await peer.seen('QUIT')
  peer.extensions = ['PIPELINING', 'DSN']
  await world.post({
    from: anna,
    to: [{ address: 'boris@example.org', notify, originalRecipient: 'rfc822;boris@example.org' }],
    message: { envelopeId: 'env-2', ret: 'HDRS' },
  })
  assert.equal((await world.mailbox(anna)).length, 2)
  assert.ok(
    peer.commands.some(command => /^MAIL FROM:<anna@example\.test>.* RET=HDRS ENVID=env-2/.test(command)),
  )
  assert.ok(
    peer.commands.some(command => /^RCPT .*NOTIFY=SUCCESS ORCPT=rfc822;boris@example\.org/.test(command)),
  )
})

test('an alias of one target hands the request on; a group reports that it was expanded', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.extensions = ['DSN']
  await world.account('clara@example.test')
  await world.redirect('alias', 'b@example.test', 'boris@example.org')
  await world.redirect('group', 'all@example.test', 'boris@example.org', 'clara@example.test')
  const notify = ['SUCCESS'] as const
  await world.post({ from: anna, to: [{ address: 'b@example.test', notify }] })
  assert.ok(
    peer.commands.some(command => /^RCPT .*NOTIFY=SUCCESS ORCPT=rfc822;b@example\.test/.test(command)),
  )
  assert.deepEqual(await world.mailbox(anna), [])
  await world.post({ from: anna, to: [{ address: 'all@example.test', notify }] })
  const reports = await world.mailbox(anna)
  assert.deepEqual(
    reports.map(report => /^Action: (\w+)/im.exec(report)?.[1]),
    ['expanded'],
  )
  assert.ok(peer.commands.some(command => /^RCPT .*NOTIFY=NEVER/.test(command)))
})

test('a report to a sender elsewhere is relayed from the null reverse-path; refused, it makes no report', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = command => (command.includes('nobody') ? '550 5.1.1 No such user' : undefined)
  await world.post({ from: 'sender@example.org', to: ['unknown@example.test'] })
  assert.equal(peer.messages.length, 1)
  assert.equal(peer.messages[0]?.reversePath, '')
  assert.deepEqual(peer.messages[0]?.forwardPaths, ['sender@example.org'])
  await world.post({ from: 'nobody@example.org', to: ['unknown@example.test'] })
  assert.equal(peer.messages.length, 1)
  assert.equal(await world.waiting(), 0)
  assert.deepEqual(world.errors, [])
})

test('a message from the null reverse-path is never reported on', async t => {
  const { world } = await senderAndPeer(t)
  await world.post({
    from: null,
    to: [{ address: 'unknown@example.test', notify: ['SUCCESS', 'FAILURE', 'DELAY'] }],
  })
  assert.equal(await world.waiting(), 0)
})

/** The text of the message with each base64 part decoded. */
function decodeBase64Parts(message: string): string {
  return message
    .split('\r\n\r\n')
    .map(part =>
      /^[A-Za-z0-9+/=\r\n]+$/.test(part.split('\r\n--')[0] ?? '')
        ? Buffer.from(part, 'base64').toString()
        : part,
    )
    .join('\n')
}

test('what a smart host says is not put into the mouth of the domain', async t => {
  const peer = await startPeer({
    address: '127.0.0.2',
    script: command => (command === '(end of data)' ? '554 5.7.1 Message rejected as spam' : undefined),
  })
  t.after(() => peer.close())
  const world = await createWorld(t, {
    delivery: {
      smartHost: { host: '127.0.0.2', port: peer.port, tls: 'never', verifyCertificate: true },
    },
  })
  await world.account(anna)
  await world.post({ from: anna, to: ['boris@example.org'] })
  const [report = ''] = await world.mailbox(anna)
  assert.match(report, /through which our mail leaves,\s+took\s+the\s+message\s+for\s+spam/)
  assert.doesNotMatch(report, /mail server of example\.org/)
})
