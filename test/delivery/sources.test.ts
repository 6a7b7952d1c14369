// From which address mail leaves: pools, one reputation for each address, and new addresses that send little at first.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { describeWhy } from '../../src/cli/describe-why.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { readProspects } from '../../src/cli/prospects.ts'
import { settingsSchema } from '../../src/config/schema.ts'
import type { SourcePoolSettings } from '../../src/config/settings.ts'
import { countAtGate, listGates } from '../../src/queue/gates.ts'
import { showQueuedMessage } from '../../src/queue/list-queue.ts'
import { summarizeQueue } from '../../src/queue/summarize-queue.ts'
import { trailOfMessage } from '../../src/trail/operations.ts'
import { type RemotePeer, type Script, startPeer } from './remote-peer.ts'
import { pool } from './source-pool.ts'
import { createWorld, hour, minute, type Posting, type World, type WorldOptions } from './world.ts'

const from = 'anna@example.test'
const day = 24 * hour
const first = '127.0.0.11'
const second = '127.0.0.12'
const third = '127.0.0.13'

async function worldWith(
  t: TestContext,
  sourcePools: readonly SourcePoolSettings[],
  script: Script = () => undefined,
  options: WorldOptions = {},
): Promise<{ world: World; peer: RemotePeer }> {
  const peer = await startPeer({ address: '127.0.0.2', script })
  t.after(() => peer.close())
  const world = await createWorld(t, {
    ...options,
    delivery: { port: peer.port, sourcePools, ...options.delivery },
  })
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', peer.address)
  return { world, peer }
}

async function acceptSeveral(world: World, count: number, message: Posting['message'] = {}): Promise<void> {
  for (let n = 0; n < count; n++) await world.accept({ from, to: [`user${n}@example.org`], message })
}

/** How many messages came from each address. */
function sentFrom({ origins }: RemotePeer): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { clientAddress } of origins) counts[clientAddress] = (counts[clientAddress] ?? 0) + 1
  return counts
}

/** As Spamhaus users say it. */
const blocked = '554 5.7.1 Service unavailable; Client host blocked using zen.spamhaus.org'

const gatesOf = (world: World): Promise<readonly string[]> => world.storage.run(listGates, undefined)
const standing = (world: World, gate: string): Promise<number> =>
  world.storage.run(countAtGate, { gate, limit: 10_000 })

test('the first pool whose senders, destinations and classes fit a message is its own; without one the system chooses', async t => {
  const { world, peer } = await worldWith(t, [
    pool('news', [first], {
      senders: ['news@example.test'],
      destinations: ['example.org'],
      classes: ['bulk'],
    }),
    pool('reports', [second], { classes: ['report'] }),
    pool('shop', [third], { senders: ['shop.test'] }),
  ])
  world.dns.mx('other.example', 10, 'mx1.example.org')
  const came = async (posting: Posting): Promise<string | undefined> => {
    await world.post(posting)
    return peer.origins.at(-1)?.clientAddress
  }
  const bulk = { isBulk: true }
  const to = ['boris@example.org']
  assert.equal(await came({ from: 'news@example.test', to, message: bulk }), first)
  assert.equal(await came({ from: 'news@example.test', to }), '127.0.0.1')
  assert.equal(
    await came({ from: 'news@example.test', to: ['boris@other.example'], message: bulk }),
    '127.0.0.1',
  )
  assert.equal(await came({ from, to, message: bulk }), '127.0.0.1')
  assert.equal(await came({ from: null, to, message: bulk }), second)
  assert.equal(await came({ from: 'sales@shop.test', to }), third)
})

test('each address has its own name in EHLO, and connections of one are not used for another', async t => {
  const { world, peer } = await worldWith(t, [
    pool('news', [first], { senders: ['news@example.test'] }),
    pool('rest', [second], { sources: [{ address: second, heloName: 'out2.example.test', warmUp: false }] }),
  ])
  await world.post({ from: 'news@example.test', to: ['boris@example.org'] })
  await world.post({ from, to: ['boris@example.org'] })
  await world.post({ from: 'news@example.test', to: ['clara@example.org'] })
  assert.deepEqual(
    peer.origins.map(({ clientAddress, heloName }) => `${clientAddress} ${heloName}`),
    [`${first} mail.example.test`, `${second} out2.example.test`, `${first} mail.example.test`],
  )
  assert.equal(peer.connections, 2)
})

test('messages spread over the addresses of a pool, and each tries its own first', async t => {
  const { world, peer } = await worldWith(t, [pool('all', [first, second, third])])
  for (let n = 0; n < 60; n++) {
    await world.post({ from, to: [`user${n}@example.org`] })
    world.clock.advance(1000)
  }
  const counts = sentFrom(peer)
  for (const address of [first, second, third])
    assert.ok((counts[address] ?? 0) >= 10, `${address}: ${counts[address]}`)
})

test('who was greylisted comes again from the same address', async t => {
  const seen = new Map<string, string>()
  const { world, peer } = await worldWith(t, [pool('all', [first, second, third])], (command, session) => {
    if (!command.startsWith('RCPT')) return undefined
    const known = seen.get(command)
    seen.set(command, session.clientAddress)
    return known === session.clientAddress ? undefined : '451 4.7.1 Greylisted, please try again later'
  })
  for (let n = 0; n < 5; n++) {
    await world.post({ from, to: [`user${n}@example.org`] })
    world.clock.advance(1000)
  }
  await world.pass(10 * minute)
  assert.equal(peer.messages.length, 5)
  assert.ok(Object.keys(sentFrom(peer)).length > 1)
})

test('one address that is refused for its name is suspended, also beyond a restart, and the others go on', async t => {
  const { world, peer } = await worldWith(t, [pool('all', [first, second])], (command, session) =>
    command.startsWith('MAIL') && session.clientAddress === first
      ? '451 4.7.1 Temporarily deferred due to the poor reputation of your IP address'
      : undefined,
  )
  await acceptSeveral(world, 30)
  await world.pass(0)
  assert.deepEqual(sentFrom(peer), { [second]: 30 })
  const asked = (): number => peer.clients.filter(client => client === first).length
  const before = asked()
  await world.agent.stop(0)
  const next = world.createAgent()
  await next.start()
  await acceptSeveral(world, 10)
  next.wake()
  await next.idle()
  assert.deepEqual(sentFrom(peer), { [second]: 40 })
  assert.equal(asked(), before)
  assert.ok(world.errors.some(line => line.startsWith('a destination refuses mail from this server')))
})

test('who is refused for good for the name of one address gets the mail from another, at once', async t => {
  for (const command of ['(connect)', 'MAIL', 'RCPT', '(end of data)']) {
    const { world, peer } = await worldWith(t, [pool('all', [first, second])], (line, session) =>
      line.startsWith(command) && session.clientAddress === first ? blocked : undefined,
    )
    const ids = []
    for (let n = 0; n < 10; n++) ids.push(await world.accept({ from, to: [`user${n}@example.org`] }))
    await world.pass(0)
    assert.deepEqual(sentFrom(peer), { [second]: 10 }, command)
    assert.equal(await world.waiting(), 0)
    const attempts = (await Promise.all(ids.map(id => world.attempts(id)))).flat()
    const refused = attempts.filter(({ outcome }) => outcome.kind === 'deferred')
    assert.ok(refused.length > 0)
    for (const attempt of refused) {
      assert.equal(attempt.source, first)
      assert.equal(attempt.nextAttemptBecause, 'other-address')
      assert.ok(attempt.outcome.kind === 'deferred')
      assert.equal(attempt.outcome.diagnosis.status, '4.7.1')
      assert.match(describeEvent(attempt).text, /; next it goes from another of our addresses/)
    }
  }
})

test('when the names of all addresses are refused for good, the mail goes back to its sender', async t => {
  const { world, peer } = await worldWith(t, [pool('all', [first, second])], line =>
    line.startsWith('MAIL') ? blocked : undefined,
  )
  await world.account(from)
  const id = await world.post({ from, to: ['boris@example.org'] })
  assert.deepEqual(
    (await world.attempts(id)).map(({ outcome }) => outcome.kind),
    ['deferred', 'failed'],
  )
  assert.deepEqual(new Set(peer.clients), new Set([first, second]))
  const [report, ...more] = await world.mailbox(from)
  assert.deepEqual(more, [])
  assert.match(report ?? '', /^Action: failed\r\nStatus: 5\.7\.1\r$/m)
})

test('what is refused for its recipient or its content is not tried from another address', async t => {
  for (const reply of ['550 5.1.1 No such user', '550 5.7.1 Message rejected as spam']) {
    const { world, peer } = await worldWith(t, [pool('all', [first, second])], line =>
      line.startsWith('RCPT') ? reply : undefined,
    )
    await world.post({ from, to: ['boris@example.org'] })
    assert.equal(peer.commands.filter(line => line.startsWith('RCPT')).length, 1)
  }
})

test('when all addresses of a pool are suspended its mail waits at one gate, and other pools go on', async t => {
  const { world, peer } = await worldWith(
    t,
    [pool('news', [first, second], { senders: ['news@example.test'] }), pool('rest', [third])],
    (command, session) =>
      command.startsWith('MAIL') && session.clientAddress !== third
        ? '421 4.7.0 too many messages'
        : undefined,
  )
  for (let n = 0; n < 20; n++) await world.accept({ from: 'news@example.test', to: [`user${n}@example.org`] })
  await acceptSeveral(world, 5)
  await world.pass(0)
  assert.deepEqual(sentFrom(peer), { [third]: 5 })
  assert.deepEqual(await gatesOf(world), ['destination mx1.example.org from news'])
  assert.equal(await standing(world, 'destination mx1.example.org from news'), 20)
})

test('an IPv6 address is used for receivers with IPv6 only; with none of the right kind the mail waits, and says why', async t => {
  const { world, peer } = await worldWith(t, [
    pool('both', [first, '2001:db8::1'], { senders: [from] }),
    pool('six', ['::1'], { sources: [{ address: '::1', warmUp: false }] }),
  ])
  for (let n = 0; n < 10; n++) await world.accept({ from, to: [`user${n}@example.org`] })
  await world.pass(0)
  assert.deepEqual(sentFrom(peer), { [first]: 10 })
  const id = await world.post({ from: 'six@example.test', to: ['boris@example.org'] })
  assert.equal(peer.messages.length, 10)
  const [attempt] = await world.attempts(id)
  assert.ok(attempt?.outcome.kind === 'deferred')
  assert.equal(attempt.outcome.diagnosis.cause, 'no-source')
  assert.match(attempt.outcome.diagnosis.detail, /mx1\.example\.org can be reached by IPv4 only, and ::1/)
})

test('the trail says from which address a message went', async t => {
  const { world } = await worldWith(t, [pool('all', [first])])
  const id = await world.post({ from, to: ['boris@example.org'] })
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.source, first)
  assert.match(
    attempt?.dialogue?.[0] ?? '',
    new RegExp(`^-- connecting to mx1\\.example\\.org .* from ${first}$`),
  )
})

const warming = (warmUp: readonly number[] | boolean, ...others: string[]): SourcePoolSettings =>
  pool('all', [first, ...others], {
    sources: [{ address: first, warmUp }, ...others.map(address => ({ address, warmUp: false }))],
  })

const longQueue: WorldOptions = { queue: { lifetimeHours: 480 } }

test('a new address sends as much in a day as the curve says, day after day, and then without limit', async t => {
  const { world, peer } = await worldWith(t, [warming([2, 5, 8])], undefined, longQueue)
  const sent = (): number => peer.messages.length
  await acceptSeveral(world, 40)
  await world.pass(0)
  assert.equal(sent(), 2)
  await world.pass(23 * hour)
  assert.equal(sent(), 2)
  // In no 24 hours more than the day allows.
  await world.pass(hour)
  assert.equal(sent(), 5)
  await world.pass(hour)
  assert.equal(sent(), 7)
  await world.pass(day - hour)
  assert.equal(sent(), 10)
  await world.pass(day)
  assert.equal(sent(), 40)
})

test('the day of the warm-up, and what was sent, outlast a restart', async t => {
  const { world, peer } = await worldWith(t, [warming([2, 5])], undefined, longQueue)
  await acceptSeveral(world, 20)
  await world.pass(0)
  await world.agent.stop(0)
  const next = world.createAgent()
  await next.start()
  next.wake()
  await next.idle()
  assert.equal(peer.messages.length, 2)
  world.clock.advance(day + hour)
  next.wake()
  await next.idle()
  assert.equal(peer.messages.length, 7)
})

test('what waits for the warm-up says so: in the queue, and in the trail', async t => {
  const pools = [warming([1])]
  const { world } = await worldWith(t, pools, undefined, longQueue)
  await world.post({ from, to: ['boris@example.org'] })
  const id = await world.post({ from, to: ['clara@example.org'] })
  const [postponed] = (await world.events(id)).filter(({ kind }) => kind === 'postponed')
  assert.ok(postponed?.kind === 'postponed')
  const reason =
    /^the address 127\.0\.0\.11 is new: day 1 of its warm-up, 1 recipient a day to mx1\.example\.org; more from \d{4}-\d\d-\d\d \d\d:\d\d UTC$/
  assert.match(postponed.diagnosis.detail, reason)
  const { storage, clock } = world
  const now = clock.now()
  const queued = await storage.run(showQueuedMessage, { queueId: id })
  const records = await storage.run(trailOfMessage, { queueId: id })
  const settings = settingsSchema.parse({ hostname: 'mail.example.test' })
  const delivery = { ...settings.delivery, sourcePools: pools }
  const prospects = await readProspects(storage, { ...settings, delivery }, queued ? [queued] : [], now)
  const why = describeWhy({ queueId: id, records, queued }, { now, retentionDays: 30, prospects })
  assert.match(
    why,
    /stands in line for mx1\.example\.org \(from the addresses of the source pool "all"\), because the limit of this server there is used up \(1 recipient a day; the address 127\.0\.0\.11 is new: day 1 of/,
  )
  assert.match(why, /There is more at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(in (1 d|23 h 59 min)\)/)
  const summary = await storage.run(summarizeQueue, { by: 'cause', selection: {}, now, ages: [], limit: 5 })
  assert.deepEqual(
    summary.groups.map(({ name, recipients }) => [name, recipients]),
    [['own-limit', 1]],
  )
})

test('each receiver gets as much: the curve is not for all together', async t => {
  const { world, peer } = await worldWith(t, [warming([2])], undefined, longQueue)
  world.dns.mx('other.example', 10, 'mx.other.example')
  world.dns.host('mx.other.example', peer.address)
  await acceptSeveral(world, 4)
  for (let n = 0; n < 4; n++) await world.accept({ from, to: [`user${n}@other.example`] })
  await world.pass(0)
  assert.equal(peer.messages.length, 4)
})

test('what a new address may not send yet goes by the warm ones of its pool', async t => {
  const { world, peer } = await worldWith(t, [warming([2], second)])
  await acceptSeveral(world, 30)
  await world.pass(0)
  assert.deepEqual(sentFrom(peer), { [first]: 2, [second]: 28 })
  assert.deepEqual(await gatesOf(world), [])
})

test('a limit of the settings for a day that is smaller than that of the warm-up holds, and is counted once', async t => {
  const { world, peer } = await worldWith(t, [warming([5])], undefined, {
    delivery: { limits: [{ match: ['example.org'], perDay: 3 }] },
  })
  await acceptSeveral(world, 10)
  await world.pass(0)
  assert.equal(peer.messages.length, 3)
})
