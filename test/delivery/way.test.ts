// What the trail tells of the way that mail took, and mail that an administrator sends another way.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { holdRecipients, rerouteRecipients } from '../../src/queue/administer.ts'
import { findRecipients } from '../../src/queue/find-recipients.ts'
import { listQueue } from '../../src/queue/list-queue.ts'
import { summarizeQueue } from '../../src/queue/summarize-queue.ts'
import { formatRoute, hostDestination } from '../../src/routing/destination.ts'
import { createReturnPaths } from '../../src/routing/return-paths.ts'
import { createRouter } from '../../src/routing/route.ts'
import { createSeededRandom } from '../harness/seeded-random.ts'
import { type RemotePeer, startPeer } from './remote-peer.ts'
import { createWorld, hour, minute, type World } from './world.ts'

async function peerFor(t: TestContext, options: Parameters<typeof startPeer>[0] = {}): Promise<RemotePeer> {
  const peer = await startPeer(options)
  t.after(() => peer.close())
  return peer
}

async function reroute(world: World, to: string | undefined): Promise<void> {
  const recipientIds = await world.storage.run(findRecipients, { selection: {}, afterId: 0, limit: 100 })
  await world.storage.run(rerouteRecipients, { recipientIds, at: world.clock.now(), to })
  await world.pass(0)
}

test('an attempt tells what the DNS said, once for each connection', async t => {
  const peer = await peerFor(t)
  const world = await createWorld(t, { delivery: { port: peer.port } })
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.mx('example.org', 20, 'mx2.example.org')
  world.dns.host('mx1.example.org', '127.0.0.1')
  world.dns.host('mx2.example.org', '127.0.0.2')
  const [first] = await world.attempts(await world.post({ from: 'anna@here.test', to: ['b@example.org'] }))
  assert.deepEqual(first?.lookup, {
    by: 'mx',
    name: 'example.org',
    hosts: [
      { host: 'mx1.example.org', preference: 10, addresses: ['127.0.0.1'] },
      { host: 'mx2.example.org', preference: 20, addresses: ['127.0.0.2'] },
    ],
  })
  const [second] = await world.attempts(await world.post({ from: 'anna@here.test', to: ['c@example.org'] }))
  assert.equal(second?.outcome.kind, 'relayed')
  assert.equal(second?.lookup, undefined)
})

test('an attempt tells why the next one is when it is', async t => {
  const peer = await peerFor(t, {
    script: command => (command.startsWith('RCPT') ? '450 4.2.0 later' : undefined),
  })
  const world = await createWorld(t, {
    delivery: { port: peer.port },
    queue: { retryMinutes: [30], delayNoticeHours: 2, lifetimeHours: 4 },
  })
  world.dns.host('example.org', '127.0.0.1')
  const id = await world.post({ from: 'anna@here.test', to: ['b@example.org'] })
  for (let n = 0; n < 60; n++) await world.pass(5 * minute)
  const attempts = await world.attempts(id)
  const reasons = attempts.map(({ nextAttemptBecause }) => nextAttemptBecause)
  assert.equal(reasons[0], 'schedule')
  assert.ok(reasons.includes('delay-notice'))
  assert.equal(reasons.at(-2), 'lifetime')
  assert.equal(attempts.at(-1)?.outcome.kind, 'expired')
  assert.equal(reasons.at(-1), undefined)
})

test('the queue knows for which cause, and of which host, mail waits', async t => {
  const peer = await peerFor(t, {
    script: command => (command.startsWith('RCPT') ? '452 4.2.2 full' : undefined),
  })
  const world = await createWorld(t, { delivery: { port: peer.port } })
  world.dns.mx('example.org', 10, 'mx.example.net')
  world.dns.host('mx.example.net', '127.0.0.1')
  const id = await world.post({ from: 'anna@here.test', to: ['b@example.org'] })
  for (const selection of [{ host: 'mx.example.net' }, { cause: 'mailbox-full' }, {}]) {
    const { messages } = await world.storage.run(listQueue, { selection, afterId: 0, limit: 10 })
    assert.deepEqual(
      messages.map(({ message }) => message.id),
      [id],
    )
    assert.equal(messages[0]?.recipients[0]?.lastCause, 'mailbox-full')
    assert.equal(messages[0]?.recipients[0]?.lastHost, 'mx.example.net')
  }
  const { messages } = await world.storage.run(listQueue, {
    selection: { cause: 'rate' },
    afterId: 0,
    limit: 10,
  })
  assert.deepEqual(messages, [])
})

test('what is to come back later and what is too much are two causes: who holds the one leaves the other', async t => {
  const peer = await peerFor(t, {
    script: command => {
      if (command.startsWith('RCPT TO:<new@')) return '450 4.2.0 Recipient address rejected: Greylisted'
      return command.startsWith('RCPT') ? '450 4.7.1 Too many messages, slow down' : undefined
    },
  })
  const world = await createWorld(t, { delivery: { port: peer.port } })
  world.dns.host('example.org', '127.0.0.1')
  for (const recipient of ['new', 'much'])
    await world.post({ from: 'anna@here.test', to: [`${recipient}@example.org`] })
  const { groups } = await world.storage.run(summarizeQueue, {
    by: 'cause',
    selection: {},
    now: world.clock.now(),
    ages: [],
    limit: 10,
  })
  assert.deepEqual(
    groups.map(({ name, recipients }) => [name, recipients]),
    [
      ['greylisted', 1],
      ['rate', 1],
    ],
  )
  const recipientIds = await world.storage.run(findRecipients, {
    selection: { cause: 'rate' },
    afterId: 0,
    limit: 10,
  })
  await world.storage.run(holdRecipients, { recipientIds, at: world.clock.now() })
  const { messages } = await world.storage.run(listQueue, { selection: {}, afterId: 0, limit: 10 })
  assert.deepEqual(
    messages.flatMap(({ recipients }) => recipients.map(one => [one.forwardPath.localPart, one.state])),
    [
      ['new', 'ready'],
      ['much', 'held'],
    ],
  )
})

test('rerouted mail goes to the host that is named, at once, and its trail says so', async t => {
  const broken = await peerFor(t, { script: () => '421 4.3.2 closed' })
  const other = await peerFor(t)
  const world = await createWorld(t, { delivery: { port: broken.port } })
  world.dns.host('example.org', '127.0.0.1')
  world.dns.host('mx2.example.org', '127.0.0.1')
  const id = await world.post({ from: 'anna@here.test', to: ['b@example.org'] })
  assert.equal(await world.waiting(), 1)
  const to = `mx2.example.org:${other.port}`
  await reroute(world, to)
  assert.equal(await world.waiting(), 0)
  assert.deepEqual(other.messages[0]?.forwardPaths, ['b@example.org'])
  const events = await world.events(id)
  assert.deepEqual(events.at(-2), { kind: 'administered', action: 'reroute', recipient: 'b@example.org', to })
  const last = events.at(-1)
  assert.deepEqual(last?.kind === 'attempted' && last.lookup, {
    by: 'rerouted',
    name: to,
    hosts: [{ host: 'mx2.example.org', addresses: ['127.0.0.1'] }],
  })
})

test('a host that is no better: the mail waits, goes there again, and comes back to its usual way', async t => {
  const peer = await peerFor(t)
  const world = await createWorld(t, { delivery: { port: peer.port }, queue: { retryMinutes: [5] } })
  world.dns.fail('example.org')
  await world.post({ from: 'anna@here.test', to: ['b@example.org'] })
  await reroute(world, 'nowhere.example.org:25')
  await world.pass(hour)
  const { messages } = await world.storage.run(listQueue, { selection: {}, afterId: 0, limit: 10 })
  const [recipient] = messages[0]?.recipients ?? []
  assert.equal(recipient?.routeTo, 'nowhere.example.org:25')
  assert.match(recipient?.lastDiagnosis ?? '', /nowhere\.example\.org/)
  world.dns.host('usual.example.org', '127.0.0.1')
  await reroute(world, undefined)
  const back = await world.storage.run(listQueue, { selection: {}, afterId: 0, limit: 10 })
  assert.equal(back.messages[0]?.recipients[0]?.routeTo, undefined)
  assert.doesNotMatch(back.messages[0]?.recipients[0]?.lastDiagnosis ?? '', /nowhere/)
})

test('mail for an address of ours, too, goes to the host that is named', async t => {
  const world = await createWorld(t)
  await world.account('anna@example.test')
  const hostname = 'mail.example.test'
  const { clock, storage } = world
  const returnPaths = createReturnPaths({
    storage,
    clock,
    random: createSeededRandom(1),
    hostname,
    forwarding: { rewriteSender: true },
  })
  const router = createRouter({ storage, hostname, clock, returnPaths })
  const forwardPath = { localPart: 'anna', domain: 'example.test' }
  assert.equal((await router.route({ forwardPath })).kind, 'mailbox')
  assert.partialDeepStrictEqual(await router.route({ forwardPath, routeTo: 'mx2.example.org:25' }), {
    kind: 'remote',
    destination: { kind: 'host', host: 'mx2.example.org', port: 25 },
  })
})

test('a way is written as it is read', () => {
  for (const [host, port] of [
    ['mx2.example.org', 25],
    ['192.0.2.1', 2525],
    ['2001:db8::1', 25],
  ] as const)
    assert.partialDeepStrictEqual(hostDestination(formatRoute(host, port)), { kind: 'host', host, port })
  for (const text of ['', 'mx', ':25', 'mx:x']) assert.equal(hostDestination(text), undefined)
})
