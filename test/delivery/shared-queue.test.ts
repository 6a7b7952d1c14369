// Several servers over one queue: what one that falls silent held, another delivers; what it does afterwards comes too late.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SharedOwnerLife } from '../../src/delivery/owner-life.ts'
import { buryOwners, enterOwner, retireOwner } from '../../src/queue/lease-owners.ts'
import { silentLog } from '../../src/runtime/log.ts'
import type { MailDataStore } from '../../src/storage/mail-data.ts'
import { defineRead, defineWrite, type Storage } from '../../src/storage/operation.ts'
import { storageIsGone } from '../../src/storage/storage-fault.ts'
import { eventually } from '../harness/eventually.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { openTestStorage } from '../harness/test-storage.ts'
import { type RemotePeer, type Script, startPeer } from './remote-peer.ts'
import { createWorld, type World, type WorldOptions } from './world.ts'

const from = 'anna@example.test'
const to = ['boris@example.org']
const second = 1000

async function sharedWorld(
  t: TestContext,
  options: WorldOptions = {},
  script: Script = () => undefined,
): Promise<{ world: World; peer: RemotePeer }> {
  const peer = await startPeer({ address: '127.0.0.2', script })
  t.after(() => peer.close())
  const delivery = { ...options.delivery, port: peer.port }
  const world = await createWorld(t, { ...options, isShared: true, delivery })
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', peer.address)
  return { world, peer }
}

/** An owner whose way to the storage can be cut. */
async function startLife(t: TestContext) {
  const { storage } = await openTestStorage(t)
  /** `waits`: what is asked comes to the storage when that has resolved. */
  const connection: { isCut: boolean; waits?: Promise<void> | undefined } = { isCut: false }
  const cut: Pick<Storage, 'run'> = {
    async run(operation, input) {
      if (connection.isCut) throw storageIsGone()
      await connection.waits
      return await storage.run(operation, input)
    },
  }
  const clock = createManualClock()
  const life = new SharedOwnerLife({ storage: cut, clock, log: silentLog, owner: 'one' })
  await life.start(() => {})
  t.after(() => life.stop())
  return { life, clock, storage, connection }
}

/** Time passes second by second, and what is to be written meanwhile is. */
async function pass(world: World, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed++) {
    world.clock.advance(second)
    for (let turn = 0; turn < 5; turn++) await world.storage.run(doNothing, undefined)
  }
}

const doNothing = defineWrite('test.do-nothing', async tx => {
  await tx.get('SELECT 1 AS one')
})

const readHolders = defineRead(
  'test.read-holders',
  async tx =>
    await tx.all<{ domain: string; holder: string | null }>(
      'SELECT DISTINCT domain, lease_owner AS holder FROM queue_recipient',
    ),
)

test('what a server held that has fallen silent is delivered by another within seconds', async t => {
  let isSilent = true
  const { world, peer } = await sharedWorld(t, {}, command =>
    isSilent && command.startsWith('RCPT') ? 'silence' : undefined,
  )
  await world.accept({ from, to })
  world.agent.wake()
  await peer.seen('RCPT')
  world.killAgents()
  isSilent = false
  const other = world.createAgent()
  await other.start()
  while (peer.messages.length === 0) await pass(world, 1)
  await other.idle()
  assert.equal(await world.waiting(), 0)
})

test('a server that lives keeps what it holds, however long it takes', async t => {
  const { world, peer } = await sharedWorld(t, {}, command =>
    command.startsWith('RCPT') ? 'silence' : undefined,
  )
  const id = await world.accept({ from, to })
  world.agent.wake()
  await peer.seen('RCPT')
  const other = world.createAgent()
  await other.start()
  await pass(world, 60)
  assert.ok(((await world.leasedUntil(id)) ?? 0) > world.clock.now())
  assert.equal(peer.connections, 1)
})

test('mail for one destination is one server’s, so that its limit holds for all servers', async t => {
  let isSilent = true
  const delivery = { maxConnectionsPerDestination: 1 }
  const { world, peer } = await sharedWorld(t, { delivery }, command =>
    isSilent && command.startsWith('RCPT') ? 'silence' : undefined,
  )
  const other = world.createAgent()
  await other.start()
  await pass(world, 6)
  const domains = Array.from({ length: 12 }, (_, n) => `d${n}.example.org`)
  for (const domain of domains) {
    world.dns.mx(domain, 10, `mx.${domain}`)
    world.dns.host(`mx.${domain}`, peer.address)
  }
  for (let n = 0; n < 3; n++)
    for (const domain of domains) await world.accept({ from, to: [`boris@${domain}`] })
  let holders = await world.storage.run(readHolders, undefined)
  while (holders.length < domains.length || holders.some(({ holder }) => holder === null)) {
    await nextTurn()
    holders = await world.storage.run(readHolders, undefined)
  }
  // Each domain is all with one of them, and neither has everything.
  assert.equal(holders.length, domains.length)
  assert.equal(new Set(holders.map(({ holder }) => holder)).size, 2)
  isSilent = false
  peer.answer('250 ok')
  while (peer.messages.length < 3 * domains.length) await nextTurn()
  assert.equal(peer.connections, domains.length)
})

test('a provider behind many domains is one server’s, so that its limit holds for all of them', async t => {
  const delivery = { limits: [{ match: ['gmail'], connections: 1 }] }
  const { world, peer } = await sharedWorld(t, { delivery })
  world.dns.host('aspmx.l.google.com', peer.address)
  const other = world.createAgent()
  await other.start()
  await pass(world, 6)
  const domains = Array.from({ length: 12 }, (_, n) => `d${n}.example.org`)
  for (const domain of domains) world.dns.mx(domain, 10, 'aspmx.l.google.com')
  for (let n = 0; n < 5; n++)
    for (const domain of domains) await world.accept({ from, to: [`boris@${domain}`] })
  while (peer.messages.length < 5 * domains.length) await pass(world, 1)
  assert.equal(peer.mostOpen, 1)
})

test('what another server of a provider has to send is counted once for the limit of its sender', async t => {
  const domains = Array.from({ length: 12 }, (_, n) => `d${n}.example.org`)
  const { world, peer } = await sharedWorld(t, {
    senderLimits: [{ match: ['*'], perDay: domains.length }],
  })
  world.dns.host('aspmx.l.google.com', peer.address)
  for (const domain of domains) world.dns.mx(domain, 10, 'aspmx.l.google.com')
  const other = world.createAgent()
  await other.start()
  await pass(world, 6)
  for (const domain of domains) await world.accept({ from, to: [`boris@${domain}`] })
  // Counted twice, some would wait for the next day.
  const toCome = async (): Promise<true | undefined> => {
    await pass(world, 1)
    return peer.messages.length === domains.length || undefined
  }
  await eventually('each of them', toCome, { everyMs: 10 })
})

test('what a server has learnt of a receiver is known to the one that takes its place', async t => {
  const { world, peer } = await sharedWorld(t, {}, command =>
    command.startsWith('MAIL') ? 'silence' : undefined,
  )
  const other = world.createAgent()
  await other.start()
  await pass(world, 6)
  const first = await world.accept({ from, to })
  await peer.seen('MAIL')
  for (let n = 0; n < 3; n++) await world.accept({ from, to })
  const [held] = await world.storage.run(readHolders, undefined)
  peer.answer('554 5.7.1 Service unavailable; client host blocked using zen.spamhaus.org')
  while ((await world.attempts(first)).length === 0) await pass(world, 1)
  const connections = peer.connections
  await (held?.holder === 'delivery-1' ? world.agent : other).stop(0)
  await pass(world, 60)
  assert.equal(peer.connections, connections)
})

test('while a server ends, another takes what would be its own', async t => {
  const { world, peer } = await sharedWorld(t, {}, command =>
    command.startsWith('RCPT TO:<held') ? 'silence' : undefined,
  )
  await world.accept({ from, to: ['held@example.org'] })
  world.agent.wake()
  await peer.seen('RCPT TO:<held')
  const other = world.createAgent()
  await other.start()
  await pass(world, 6)
  const ended = world.agent.stop(60 * second)
  await pass(world, 6)
  // Whichever of the two they would belong to.
  const domains = Array.from({ length: 12 }, (_, n) => `d${n}.example.org`)
  for (const domain of domains) world.dns.mx(domain, 10, 'mx1.example.org')
  await world.accept({ from, to: domains.map(domain => `boris@${domain}`) })
  // The one that ends has still its own, and nothing of these.
  await eventually('the other delivers them all', async () => {
    other.wake()
    await nextTurn()
    return (await world.waiting()) === 1 || undefined
  })
  assert.equal(peer.messages.length, domains.length)
  peer.answer('250 ok')
  await ended
  assert.equal(peer.messages.length, domains.length + 1)
  assert.equal(await world.waiting(), 0)
})

test('a server that ends waits no longer than its grace until the others know of it', async t => {
  const isAsked = Promise.withResolvers<void>()
  const { world } = await sharedWorld(t, {
    faultyStorage: real => ({
      ...real,
      run(operation, input) {
        if (operation.name !== retireOwner.name) return real.run(operation, input)
        isAsked.resolve()
        return new Promise(() => {})
      },
      onWake: (topic, listener) => real.onWake(topic, listener),
    }),
  })
  let hasEnded = false
  const ended = world.agent.stop(10 * second).then(() => {
    hasEnded = true
  })
  await isAsked.promise
  world.clock.advance(10 * second - 1)
  for (let turn = 0; turn < 5; turn++) await nextTurn()
  assert.equal(hasEnded, false)
  world.clock.advance(1)
  await eventually('it ends', async () => hasEnded || undefined)
  await ended
})

test('a server whose time is over does not end the message that it is sending', async t => {
  const gate = Promise.withResolvers<void>()
  const isReading = Promise.withResolvers<void>()
  const slowMailData = (real: MailDataStore): MailDataStore => ({
    ...real,
    async *read(id) {
      yield* real.read(id)
      isReading.resolve()
      await gate.promise
    },
  })
  const { world, peer } = await sharedWorld(t, { faultyMailData: slowMailData })
  await world.accept({ from, to })
  world.agent.wake()
  await isReading.promise
  world.killAgents()
  world.clock.advance(20 * second)
  gate.resolve()
  await peer.seen('(closed)')
  assert.deepEqual(peer.messages, [])
  // It has said that it is out of touch, once and not for each message.
  assert.deepEqual(
    world.errors.filter(text => text.includes('LEASE_LOST') || text.includes('lease has run out')),
    [],
  )
})

test('an owner that was out of touch for too long finds itself buried, and knew before that its time was over', async t => {
  const { life, clock, storage, connection } = await startLife(t)
  assert.ok(life.isAlive)
  connection.isCut = true
  clock.advance(16 * second - 1)
  assert.ok(!life.isAlive)
  const bury = async () => await storage.run(buryOwners, { now: clock.now(), except: 'two' })
  assert.deepEqual(await bury(), { owners: [], released: 0 })
  clock.advance(2)
  assert.deepEqual(await bury(), { owners: ['one'], released: 0 })
  connection.isCut = false
  clock.advance(5 * second)
  await life.buried
  assert.ok(!life.isAlive)
})

test('one that was cut off and is not buried lives on', async t => {
  const { life, clock, connection } = await startLife(t)
  connection.isCut = true
  clock.advance(60 * second)
  assert.ok(!life.isAlive)
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  connection.isCut = false
  clock.advance(5 * second)
  while (!life.isAlive) await nextTurn()
})

test('a beat that waits in an outage until its end buries nobody either', async t => {
  const { life, clock, storage, connection } = await startLife(t)
  await storage.run(enterOwner, { owner: 'other', aliveUntil: clock.now() + 30 * second })
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await storage.run(doNothing, undefined)
  }
  // It has been heard for long enough to bury others.
  for (let passed = 0; passed < 20; passed += 5) {
    clock.advance(5 * second)
    await turns()
  }
  const mended = Promise.withResolvers<void>()
  connection.waits = mended.promise
  clock.advance(5 * second)
  clock.advance(20 * second)
  connection.waits = undefined
  mended.resolve()
  await turns()
  const owners = (await storage.run(readOwners, undefined)).map(({ name }) => name)
  assert.deepEqual(owners, ['one', 'other'])
  assert.ok(!life.isAlive)
})

test('after an outage the first to be there again buries nobody before the others can say that they live', async t => {
  const { life, clock, storage, connection } = await startLife(t)
  const other = { owner: 'other', aliveUntil: clock.now() + 16 * second }
  await storage.run(enterOwner, other)
  connection.isCut = true
  clock.advance(20 * second)
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  connection.isCut = false
  const owners = async () => (await storage.run(readOwners, undefined)).map(({ name }) => name)
  const beat = async (): Promise<void> => {
    clock.advance(5 * second)
    for (let turn = 0; turn < 5; turn++) await storage.run(doNothing, undefined)
  }
  await beat()
  assert.ok(life.isAlive)
  assert.deepEqual(await owners(), ['one', 'other'])
  // Silent all the same, for as long as anybody is believed in.
  for (let beats = 0; beats < 3; beats++) await beat()
  while ((await owners()).length > 1) await storage.run(doNothing, undefined)
  assert.deepEqual(await owners(), ['one'])
})

const readOwners = defineRead(
  'test.read-owners',
  async tx => await tx.all<{ name: string }>('SELECT name FROM lease_owner ORDER BY name'),
)
