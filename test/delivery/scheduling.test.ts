// What goes when: limits are kept, who is slow or down costs the others nothing, and refusals change the pace.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ShapingSettings } from '../../src/config/settings.ts'
import { createHouseKeeper } from '../../src/main/house-keeper.ts'
import { retryRecipients } from '../../src/queue/administer.ts'
import { accountGate, countAtGate } from '../../src/queue/gates.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { defineRead } from '../../src/storage/operation.ts'
import { administer } from '../queue/open-queue.ts'
import { type RemotePeer, type Script, startPeer } from './remote-peer.ts'
import { createWorld, hour, minute, type World, type WorldOptions } from './world.ts'

const from = 'anna@example.test'
const second = 1000

/** A world with the domain example.org, whose mail host is `peer`. */
async function worldWith(
  t: TestContext,
  script: Script = () => undefined,
  options: WorldOptions = {},
): Promise<{ world: World; peer: RemotePeer }> {
  const peer = await startPeer({ address: '127.0.0.2', script })
  t.after(() => peer.close())
  const world = await createWorld(t, { ...options, delivery: { port: peer.port, ...options.delivery } })
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', peer.address)
  return { world, peer }
}

async function acceptSeveral(world: World, count: number, domain = 'example.org'): Promise<void> {
  for (let n = 0; n < count; n++) await world.accept({ from, to: [`user${n}@${domain}`] })
}

const standing = (world: World, gate = 'destination mx1.example.org'): Promise<number> =>
  world.storage.run(countAtGate, { gate, limit: 10_000 })

const countKnown = defineRead(
  'test.count-known',
  async tx =>
    await tx.get<{ receivers: number; counted: number }>(
      'SELECT (SELECT count(*) FROM destination_health) AS receivers, (SELECT count(*) FROM allowance_use) AS counted',
    ),
)

const limited = (limits: Omit<ShapingSettings, 'match'>): WorldOptions => ({
  delivery: { limits: [{ match: ['mx1.example.org'], ...limits }] },
})

test('a destination that takes its time keeps few messages from the queue, and nobody else waits', async t => {
  const { world, peer } = await worldWith(t, command =>
    command.startsWith('MAIL FROM:<slow') ? 'silence' : undefined,
  )
  world.dns.mx('slow.example', 10, 'mx.slow.example')
  world.dns.host('mx.slow.example', peer.address)
  for (let n = 0; n < 300; n++)
    await world.accept({ from: `slow${n}@example.test`, to: ['boris@slow.example'] })
  await acceptSeveral(world, 5)
  world.agent.wake()
  while (peer.messages.length < 5) await nextTurn()
  assert.ok((await standing(world, 'destination mx.slow.example')) >= 280)
})

test('domains with the same mail hosts are one receiver', async t => {
  const { world, peer } = await worldWith(t, undefined, { delivery: { maxConnectionsPerDestination: 3 } })
  for (let n = 0; n < 40; n++) {
    world.dns.mx(`d${n}.example`, 10, 'mx1.example.org')
    await world.accept({ from, to: [`boris@d${n}.example`] })
  }
  await world.pass(0)
  assert.equal(peer.messages.length, 40)
  assert.ok(peer.mostOpen <= 3, `${peer.mostOpen} connections were open`)
})

test('a limit of a second is used in each second', async t => {
  const { world, peer } = await worldWith(t, undefined, limited({ perSecond: 2 }))
  await acceptSeveral(world, 6)
  await world.pass(0)
  assert.equal(peer.messages.length, 2)
  await world.pass(1.1 * second)
  assert.equal(peer.messages.length, 4)
  await world.pass(1.1 * second)
  assert.equal(peer.messages.length, 6)
})

test('a limit opens no more connections than it has messages for', async t => {
  const { world, peer } = await worldWith(t, undefined, limited({ perSecond: 2 }))
  await acceptSeveral(world, 30)
  await world.pass(0)
  for (let passed = 1; passed < 15; passed++) {
    assert.equal(peer.messages.length, 2 * passed)
    // Of those so far, each has had a message: one that was idle too long is closed, and another opened when there is one.
    assert.ok(peer.connections <= 2 * passed, `${peer.connections} connections for ${2 * passed} messages`)
    await world.pass(1.1 * second)
  }
  assert.equal(peer.messages.length, 30)
})

test('a connection that fails uses nothing of a limit', async t => {
  let isDown = true
  const { world, peer } = await worldWith(
    t,
    command => (isDown && command === '(connect)' ? '421 4.3.2 Not now' : undefined),
    limited({ perHour: 2 }),
  )
  await acceptSeveral(world, 3)
  await world.pass(0)
  isDown = false
  await world.pass(5 * minute)
  assert.equal(peer.messages.length, 2)
})

test('a limit holds; what goes beyond waits in line, without an attempt, and goes when there is room', async t => {
  const { world, peer } = await worldWith(t, undefined, limited({ perMinute: 2 }))
  await acceptSeveral(world, 5)
  await world.pass(0)
  assert.equal(peer.messages.length, 2)
  assert.equal(await standing(world), 3)
  await world.pass(50 * second)
  assert.equal(peer.messages.length, 2)
  await world.pass(13 * second)
  assert.equal(peer.messages.length, 4)
  await world.pass(63 * second)
  assert.equal(peer.messages.length, 5)
})

test('the limit of a smart host is the one that names it', async t => {
  const peer = await startPeer({ address: '127.0.0.2' })
  t.after(() => peer.close())
  const world = await createWorld(t, {
    delivery: {
      smartHost: { host: peer.address, port: peer.port, tls: 'never', verifyCertificate: false },
      limits: [{ match: ['[127.0.0.2]'], perMinute: 2 }],
    },
  })
  await acceptSeveral(world, 3)
  await acceptSeveral(world, 2, 'example.net')
  await world.pass(0)
  assert.equal(peer.messages.length, 2)
  await world.pass(63 * second)
  assert.equal(peer.messages.length, 4)
})

test('a limit holds after a restart', async t => {
  const { world, peer } = await worldWith(t, undefined, limited({ perHour: 3 }))
  await acceptSeveral(world, 4)
  await world.pass(0)
  assert.equal(peer.messages.length, 3)
  await world.agent.stop(0)
  const next = world.createAgent()
  await next.start()
  await acceptSeveral(world, 2)
  next.wake()
  await next.idle()
  assert.equal(peer.messages.length, 3)
  world.clock.advance(hour + 2 * minute)
  next.wake()
  await next.idle()
  assert.equal(peer.messages.length, 6)
})

test('a message with more recipients than the limit leaves goes in parts', async t => {
  const { world, peer } = await worldWith(t, undefined, limited({ perMinute: 3 }))
  await world.post({ from, to: ['a', 'b', 'c', 'd', 'e'].map(name => `${name}@example.org`) })
  assert.deepEqual(
    peer.messages.map(({ forwardPaths }) => forwardPaths.length),
    [3],
  )
  await world.pass(62 * second)
  assert.equal(peer.messages.flatMap(({ forwardPaths }) => forwardPaths).length, 5)
})

test('a limit that names a domain is for its mail, and no other mail of the same hosts', async t => {
  for (const first of ['example.org', 'example.net']) {
    const { world, peer } = await worldWith(t, undefined, {
      delivery: { limits: [{ match: ['example.net'], perMinute: 2 }] },
    })
    world.dns.mx('example.net', 10, 'mx1.example.org')
    const others = ['example.org', 'example.net'].filter(name => name !== first)
    for (const domain of [first, ...others]) await acceptSeveral(world, 4, domain)
    await world.pass(0)
    const taken = peer.messages.flatMap(({ forwardPaths }) => forwardPaths).map(path => path.split('@')[1])
    assert.deepEqual(
      [
        taken.filter(name => name === 'example.org').length,
        taken.filter(name => name === 'example.net').length,
      ],
      [4, 2],
    )
    assert.equal(await standing(world, 'destination example.net'), 2)
  }
})

test('with a reverse-path of its own each recipient is one of the limit, and no more', async t => {
  const { world, peer } = await worldWith(t, undefined, {
    delivery: {
      limits: [{ match: ['mx1.example.org'], perHour: 6 }],
      verp: { senders: [from], delimiter: '=' },
    },
  })
  await world.post({ from, to: ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(name => `${name}@example.org`) })
  assert.equal(peer.messages.length, 6)
  assert.equal(await standing(world), 1)
})

test('a message of which the server was not told uses nothing of a limit', async t => {
  const { world, peer } = await worldWith(t, undefined, limited({ perHour: 1 }))
  peer.extensions = ['SIZE 10']
  await acceptSeveral(world, 3)
  await world.pass(0)
  assert.equal(peer.messages.length, 0)
  // Each has failed for its size; none stands in line.
  assert.equal(await standing(world), 0)
})

test('messages of a connection, recipients of a transaction: as the settings say for that destination', async t => {
  const { world, peer } = await worldWith(
    t,
    undefined,
    limited({ messagesPerConnection: 2, recipientsPerTransaction: 2, connections: 1 }),
  )
  await world.accept({ from, to: ['a', 'b', 'c'].map(name => `${name}@example.org`) })
  await acceptSeveral(world, 2)
  await world.pass(0)
  assert.deepEqual(peer.messages.map(({ forwardPaths }) => forwardPaths.length).toSorted(), [1, 1, 1, 2])
  assert.equal(peer.connections, 2)
  assert.equal(peer.mostOpen, 1)
})

test('messages of a connection: as many at the server that is asked when another one has to stop', async t => {
  const { world, peer } = await worldWith(
    t,
    command => (command.startsWith('MAIL') ? '421 4.3.2 stopping' : undefined),
    {
      delivery: {
        limits: [{ match: ['example.org'], messagesPerConnection: 2, recipientsPerTransaction: 1 }],
      },
    },
  )
  const second = await startPeer({ address: '127.0.0.3', port: peer.port })
  t.after(() => second.close())
  world.dns.mx('example.org', 20, 'mx2.example.org')
  world.dns.host('mx2.example.org', second.address)
  await world.post({ from, to: ['a', 'b', 'c', 'd', 'e'].map(name => `${name}@example.org`) })
  assert.deepEqual([second.messages.length, second.connections, second.mostOpen], [5, 3, 1])
})

test('the limit of a sender holds, for each apart; others and mail that stays here pass by', async t => {
  const { world, peer } = await worldWith(t, undefined, {
    senderLimits: [{ match: ['*'], perMinute: 2, perDay: 4 }],
  })
  await world.account('clara@example.test')
  await world.accept({ from, to: ['a', 'b', 'c'].map(name => `${name}@example.org`) })
  await world.accept({ from, to: ['d@example.org', 'e@example.org', 'clara@example.test'] })
  await world.accept({ from: 'boris@elsewhere.test', to: ['boris@example.org'] })
  await world.pass(0)
  const sentBy = (domain: string): number =>
    peer.messages
      .filter(({ reversePath }) => reversePath.endsWith(domain))
      .flatMap(({ forwardPaths }) => forwardPaths).length
  assert.equal(sentBy('example.test'), 2)
  assert.equal(sentBy('elsewhere.test'), 1)
  assert.equal((await world.mailbox('clara@example.test')).length, 1)
  await world.pass(62 * second)
  assert.equal(sentBy('example.test'), 4)
  await world.pass(10 * minute)
  assert.equal(sentBy('example.test'), 4)
  assert.equal(await standing(world, 'sender address anna@example.test'), 1)
  await world.pass(25 * hour)
  assert.equal(sentBy('example.test'), 5)
})

test('what a server that ends has not begun is counted once for the limit of its sender, however it ends', async t => {
  for (const graceMs of [0, minute]) {
    const { world, peer } = await worldWith(
      t,
      command => (command.startsWith('RCPT') ? 'silence' : undefined),
      { delivery: { maxConnections: 1 }, senderLimits: [{ match: ['*'], perDay: 3 }] },
    )
    await acceptSeveral(world, 3)
    world.agent.wake()
    await peer.seen('RCPT')
    peer.script = () => undefined
    const stopped = world.agent.stop(graceMs)
    peer.answer('250 ok')
    await stopped
    const next = world.createAgent()
    await next.start()
    await next.idle()
    assert.equal(peer.messages.length, 3, `${graceMs} ms of grace`)
    await next.stop(0)
  }
})

test('a limit that means an address counts what is sent from it, and no other mail of the account', async t => {
  const { world, peer } = await worldWith(t, undefined, {
    senderLimits: [{ match: ['news@example.test'], perDay: 1 }],
  })
  const accountId = await world.account(from)
  const send = async (sender: string): Promise<void> => {
    await world.accept({ from: sender, to: ['boris@example.org'], message: { accountId } })
  }
  for (const sender of ['news@example.test', 'news@example.test', from, from]) await send(sender)
  await world.pass(0)
  for (const sender of ['news@example.test', from]) await send(sender)
  await world.pass(0)
  const sent = peer.messages.map(({ reversePath }) => reversePath)
  assert.deepEqual(sent.toSorted(), [from, from, from, 'news@example.test'])
})

test('a limit that means an account counts all that it sends, without a sender address too', async t => {
  for (const match of [from, 'example.test', '*']) {
    const { world, peer } = await worldWith(t, undefined, { senderLimits: [{ match: [match], perDay: 3 }] })
    const accountId = await world.account(from)
    for (const sender of [null, from, 'news@example.test', null, 'news@elsewhere.example', from])
      await world.accept({ from: sender, to: ['boris@example.org'], message: { accountId } })
    await world.pass(0)
    assert.equal(peer.messages.length, 3, match)
    assert.equal(await standing(world, accountGate(accountId)), 3)
    await world.agent.stop(0)
  }
})

test('a server that is down costs one timeout, not one for each message; when it is back, all goes', async t => {
  const { world, peer } = await worldWith(t, command => (command.startsWith('EHLO') ? 'silence' : undefined))
  await acceptSeveral(world, 60)
  world.agent.wake()
  await peer.seen('EHLO')
  await world.pass(301 * second)
  assert.ok(peer.connections <= 2, `${peer.connections} connections`)
  peer.script = () => undefined
  await world.pass(6 * minute)
  assert.equal(peer.messages.length, 60)
})

test('what is known of a server that is down outlasts a restart', async t => {
  const { world, peer } = await worldWith(t, () => 'close')
  await acceptSeveral(world, 2)
  await world.pass(0)
  await world.agent.stop(0)
  const { connections } = peer
  assert.ok(connections > 0)
  const next = world.createAgent()
  await next.start()
  await world.accept({ from, to: ['clara@example.org'] })
  next.wake()
  await next.idle()
  assert.equal(peer.connections, connections)
  peer.script = () => undefined
  world.clock.advance(16 * minute)
  next.wake()
  await next.idle()
  assert.equal(peer.messages.length, 3)
})

test('what is known of a receiver that stays dead is forgotten a week after mail was last to go there', async t => {
  const { world, peer } = await worldWith(t, undefined, limited({ perDay: 100 }))
  const keeper = createHouseKeeper({
    ...world,
    log: silentLog,
    keepExpungedDays: 14,
    keepTrashDays: 30,
    keepJunkDays: 30,
  })
  const known = async (): Promise<readonly number[]> => {
    await keeper.look()
    const { receivers = 0, counted = 0 } = (await world.storage.run(countKnown, undefined)) ?? {}
    return [receivers, counted > 0 ? 1 : 0]
  }
  await acceptSeveral(world, 1)
  await world.pass(0)
  await peer.close()
  const closedFor = async (): Promise<number> => {
    const id = await world.post({ from: null, to: ['boris@example.org'] })
    const [attempt] = await world.attempts(id)
    return (attempt?.closedUntil ?? 0) - world.clock.now()
  }
  assert.equal(await closedFor(), minute)
  while ((await world.waiting()) > 0) await world.pass(30 * minute)
  assert.deepEqual(await known(), [1, 1])
  await world.pass(6 * 24 * hour)
  assert.deepEqual(await known(), [1, 0])
  for (let days = 0; days < 2; days++) {
    await world.pass(24 * hour)
    await known()
  }
  assert.deepEqual(await known(), [0, 0])
  await world.pass(24 * hour)
  assert.equal(await closedFor(), minute)
})

test('a server that wants less at a time gets nothing for a while, and then less', async t => {
  let isBusy = true
  const { world, peer } = await worldWith(t, command =>
    isBusy && command.startsWith('MAIL') ? '450 4.7.28 too many messages, slow down' : undefined,
  )
  await acceptSeveral(world, 30)
  await world.pass(0)
  const asked = peer.commands.filter(command => command.startsWith('MAIL')).length
  assert.ok(asked <= 2, `${asked} times`)
  await world.pass(50 * second)
  assert.equal(peer.commands.filter(command => command.startsWith('MAIL')).length, asked)
  isBusy = false
  await world.pass(15 * second)
  assert.ok(peer.messages.length >= 25, `${peer.messages.length}`)
  await world.pass(10 * minute)
  assert.equal(peer.messages.length, 30)
})

test('a server that refuses one connection more than it bears gets all over those that it bears', async t => {
  let refused = 0
  const { world, peer } = await worldWith(
    t,
    command => {
      if (command !== '(connect)' || peer.open < 3) return undefined
      refused++
      return '421 4.7.0 Too many concurrent connections from your IP'
    },
    { delivery: { maxConnectionsPerDestination: 20 } },
  )
  const ids = []
  for (let n = 0; n < 200; n++) ids.push(await world.accept({ from, to: [`user${n}@example.org`] }))
  await world.pass(0)
  assert.equal(peer.messages.length, 200)
  assert.ok(refused >= 1 && refused <= 20, `${refused} connections were refused`)
  for (const id of ids) assert.equal((await world.attempts(id)).length, 1)
})

/** A server that takes `most` recipients in each span of the clock, and does not say so. */
async function serverWithQuota(
  t: TestContext,
  most: number,
  spanMs: number,
): Promise<{ world: World; peer: RemotePeer; refused: () => number }> {
  let span = 0
  let taken = 0
  let refused = 0
  const { world, peer } = await worldWith(t, command => {
    if (!command.startsWith('RCPT')) return undefined
    const present = Math.floor(world.clock.now() / spanMs)
    if (present !== span) taken = 0
    span = present
    if (taken++ < most) return undefined
    refused++
    return '450 4.7.28 too many messages, slow down'
  })
  return { world, peer, refused: () => refused }
}

test('a server that takes so many a minute, and does not say so, gets about as many', async t => {
  const { world, peer, refused } = await serverWithQuota(t, 10, minute)
  await acceptSeveral(world, 300)
  await world.pass(0)
  for (let minutes = 0; minutes < 60; minutes++) await world.pass(minute)
  assert.equal(peer.messages.length, 300)
  assert.ok(refused() <= 60, `${refused()} were refused`)
})

test('a server that takes so many an hour, and does not say so, gets most of them', async t => {
  const { world, peer, refused } = await serverWithQuota(t, 20, hour)
  await acceptSeveral(world, 400)
  for (let minutes = 0; minutes < 20 * 60; minutes += 5) await world.pass(5 * minute)
  assert.ok(peer.messages.length >= 300, `${peer.messages.length}`)
  assert.ok(refused() <= 6 * 20, `${refused()} were refused`)
})

test('whoever was not tried hears of it, and not what the server said of another’s recipient', async t => {
  const { world } = await worldWith(t, command =>
    command.startsWith('RCPT') ? `450 4.7.28 ${command.slice(8)}: too many messages, slow down` : undefined,
  )
  await world.account('anna@example.test')
  await world.post({ from: 'boris@example.test', to: ['secret@example.org'] })
  await world.post({ from, to: ['clara@example.org'] })
  for (let passed = 0; passed < 50; passed++) await world.pass(hour)
  const ofAnna = await world.mailbox('anna@example.test')
  assert.equal(ofAnna.length, 2)
  assert.doesNotMatch(ofAnna.join('\n'), /secret@/)
  // Though it stood in line at the end, and nothing was closed then.
  for (const report of ofAnna) assert.match(report, /limits how many messages\r\n +it takes/)
})

test('a server that refuses our name: the message fails, the others wait instead of failing too, and the log says so', async t => {
  let isBlocked = true
  const { world, peer } = await worldWith(t, command =>
    isBlocked && command.startsWith('MAIL') ? '554 5.7.1 blocked using zen.spamhaus.org' : undefined,
  )
  await acceptSeveral(world, 10)
  await world.pass(0)
  assert.ok((await standing(world)) >= 8)
  assert.ok(world.errors.some(line => line.startsWith('a destination refuses mail from this server')))
  isBlocked = false
  await world.pass(6 * minute)
  assert.ok(peer.messages.length >= 8)
  assert.equal(await standing(world), 0)
})

test('a server that refuses our name in its greeting is one that refuses our name', async t => {
  let isBlocked = true
  const { world, peer } = await worldWith(t, command =>
    isBlocked && command === '(connect)'
      ? "554 5.7.1 Your access to this mail system has been rejected due to the sending MTA's poor reputation."
      : undefined,
  )
  await acceptSeveral(world, 6)
  await world.pass(0)
  assert.ok(peer.connections <= 2, `${peer.connections} connections`)
  assert.ok(world.errors.some(line => line.startsWith('a destination refuses mail from this server')))
  assert.ok((await standing(world)) >= 4)
  isBlocked = false
  await world.pass(6 * minute)
  await world.pass(hour)
  // Who knocked had said nothing of a message yet: it has not cost that one its delivery.
  assert.equal(peer.messages.length, 6)
})

test('each time that a receiver which refused our name may be asked again, one message is', async t => {
  let isBlocked = false
  const { world, peer } = await worldWith(t, command =>
    isBlocked && command.startsWith('MAIL') ? '554 5.7.1 blocked using zen.spamhaus.org' : undefined,
  )
  const asked = (): number => peer.commands.filter(command => command.startsWith('MAIL')).length
  await acceptSeveral(world, 100)
  await world.pass(0)
  isBlocked = true
  await acceptSeveral(world, 100)
  await world.pass(0)
  for (const wait of [6 * minute, 16 * minute, 61 * minute]) {
    const before = asked()
    await world.pass(wait)
    assert.equal(asked(), before + 1)
  }
  isBlocked = false
  await world.pass(4 * hour)
  assert.equal(await standing(world), 0)
})

test('what an administrator asks for is tried, one message first, and no other receiver is', async t => {
  let isBlocked = true
  const { world, peer } = await worldWith(t, command =>
    isBlocked && command.startsWith('MAIL') ? '554 5.7.1 blocked using zen.spamhaus.org' : undefined,
  )
  const other = await startPeer({ address: '127.0.0.3', port: peer.port, script: () => 'close' })
  t.after(() => other.close())
  world.dns.mx('other.example', 10, 'mx.other.example')
  world.dns.host('mx.other.example', other.address)
  await acceptSeveral(world, 20)
  await acceptSeveral(world, 20, 'other.example')
  await world.pass(0)
  const asked = peer.commands.length
  const tried = other.connections
  await administer(world.storage, retryRecipients, { domain: 'other.example' }, world.clock.now())
  await world.agent.idle()
  assert.equal(other.connections, tried + 1)
  assert.equal(peer.commands.length, asked)
  isBlocked = false
  await administer(world.storage, retryRecipients, { domain: 'example.org' }, world.clock.now())
  await world.agent.idle()
  assert.equal(await standing(world), 0)
  assert.equal(other.connections, tried + 1)
})

test('who waits in line is told of the delay, and of the end of the time, with the reason', async t => {
  const { world } = await worldWith(t, () => 'close')
  await world.account('anna@example.test')
  await world.post({ from, to: ['boris@example.org'] })
  for (let passed = 0; passed < 50; passed++) await world.pass(hour)
  const [delay, end, ...more] = await world.mailbox('anna@example.test')
  assert.match(delay ?? '', /Still being delivered/)
  assert.match(end ?? '', /Not delivered/)
  assert.deepEqual(more, [])
})
