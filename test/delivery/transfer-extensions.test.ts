// What senders ask for at MAIL beyond delivery (RFC 2852, RFC 4865, RFC 6710), as the next server and they themselves see it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import type { QueuedMessage } from '../../src/queue/records.ts'
import { type RemotePeer, type Script, startPeer } from './remote-peer.ts'
import { createWorld, hour, minute, type World } from './world.ts'

const from = 'anna@example.test'
const to = ['boris@example.org']

async function worldAndPeer(
  t: TestContext,
  extensions: string[],
  script?: Script,
): Promise<{ world: World; peer: RemotePeer }> {
  const peer = await startPeer({ address: '127.0.0.2', extensions, ...(script ? { script } : {}) })
  t.after(() => peer.close())
  const world = await createWorld(t, { delivery: { port: peer.port } })
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', peer.address)
  await world.account(from)
  return { world, peer }
}

const greylist: Script = command => (command.startsWith('RCPT') ? '451 4.7.1 Come back later' : undefined)

function wantedWithin(
  world: World,
  ms: number,
  mode: 'notify' | 'return',
  trace = false,
): Partial<QueuedMessage> {
  return { deliverBy: { at: world.clock.now() + ms, mode, trace } }
}

const mailLine = (peer: RemotePeer): string => peer.commands.find(line => line.startsWith('MAIL')) ?? ''

test('the priority is handed on to a server that offers MT-PRIORITY, and to no other', async t => {
  const { world, peer } = await worldAndPeer(t, ['MT-PRIORITY'])
  await world.post({ from, to, message: { priority: -3 } })
  assert.match(mailLine(peer), / MT-PRIORITY=-3$/)
  const plain = await worldAndPeer(t, [])
  await plain.world.post({ from, to, message: { priority: -3 } })
  assert.doesNotMatch(mailLine(plain.peer), /PRIORITY/)
  assert.equal(plain.peer.messages.length, 1)
})

test('the rest of the time is handed on to a server that offers DELIVERBY', async t => {
  let busy = true
  const { world, peer } = await worldAndPeer(t, ['DELIVERBY 60'], command =>
    busy && command.startsWith('RCPT') ? '451 4.7.1 Come back later' : undefined,
  )
  await world.post({ from, to, message: wantedWithin(world, hour, 'return', true) })
  assert.match(mailLine(peer), / BY=3600;RT$/)
  busy = false
  peer.commands.length = 0
  await world.pass(6 * minute)
  assert.match(mailLine(peer), / BY=3240;RT$/)
  assert.equal(peer.messages.length, 1)
  // T: the sender hears of the hand-over.
  const [report = ''] = await world.mailbox(from)
  assert.match(report, /^Action: relayed/im)
})

for (const { what, extensions, ms, detail } of [
  { what: 'a server without DELIVERBY', extensions: [], ms: hour, detail: /does not offer DELIVERBY/ },
  {
    what: 'a server that needs more time',
    extensions: ['DELIVERBY 7200'],
    ms: hour,
    detail: /at\s+least 7200 seconds/,
  },
]) {
  test(`what is to be returned when it is late is not given to ${what}`, async t => {
    const { world, peer } = await worldAndPeer(t, extensions)
    await world.post({ from, to, message: wantedWithin(world, ms, 'return') })
    assert.equal(mailLine(peer), '')
    const [report = ''] = await world.mailbox(from)
    assert.match(report, /^Action: failed/im)
    assert.match(report, /^Status: 5\.4\.7/im)
    assert.match(report, detail)
  })
}

test('another server of the domain may keep the time that the first one does not', async t => {
  const { world, peer } = await worldAndPeer(t, [])
  const second = await startPeer({ address: '127.0.0.3', port: peer.port, extensions: ['DELIVERBY'] })
  t.after(() => second.close())
  world.dns.mx('example.org', 20, 'mx2.example.org')
  world.dns.host('mx2.example.org', second.address)
  await world.post({ from, to, message: wantedWithin(world, hour, 'return') })
  assert.equal(peer.messages.length, 0)
  assert.match(mailLine(second), / BY=3600;R$/)
})

test('what is not delivered by its time is returned then, and not tried any more', async t => {
  const { world, peer } = await worldAndPeer(t, ['DELIVERBY'], greylist)
  const id = await world.post({ from, to, message: wantedWithin(world, 12 * minute, 'return') })
  await world.pass(6 * minute)
  assert.equal(await world.waiting(), 1)
  peer.commands.length = 0
  await world.pass(6 * minute)
  assert.equal(mailLine(peer), '')
  assert.equal(await world.waiting(), 0)
  const [report = ''] = await world.mailbox(from)
  assert.match(report, /^Action: failed/im)
  assert.match(report, /^Status: 5\.4\.7/im)
  assert.match(report, /by the time that you had set/)
  const attempts = await world.attempts(id)
  assert.equal(attempts.at(-1)?.outcome.kind, 'expired')
  assert.equal(attempts.at(-1)?.attempt, attempts.at(-2)?.attempt, 'its end is no attempt')
  assert.doesNotMatch(report, /^Last-Attempt-Date/im)
})

test('what is never tried before its time is over is not said to have been tried', async t => {
  const { world, peer } = await worldAndPeer(t, ['DELIVERBY'])
  await world.post({ from, to, message: wantedWithin(world, 0, 'return') })
  assert.equal(peer.connections, 0)
  const [report = ''] = await world.mailbox(from)
  assert.match(report, /^Action: failed/im)
  assert.match(report, /Our server kept the message until/)
  assert.doesNotMatch(report, /tried once/)
  assert.doesNotMatch(report, /^Last-Attempt-Date/im)
})

test('the notice of a delay says how long it is tried: to the time by which it is to be returned', async t => {
  const { world } = await worldAndPeer(t, ['DELIVERBY'], greylist)
  const message = wantedWithin(world, 6 * hour, 'return')
  await world.post({ from, to, message })
  for (let passed = 0; passed < 5; passed++) await world.pass(hour)
  const [report = ''] = await world.mailbox(from)
  assert.match(report, /^Action: delayed/im)
  const until = /^Will-Retry-Until: (.*)\r$/im.exec(report)?.[1] ?? ''
  assert.equal(Date.parse(until), message.deliverBy?.at)
})

test('the sender of what is wanted by a time hears then that it is late, and it goes on', async t => {
  let busy = true
  const { world, peer } = await worldAndPeer(t, ['DELIVERBY'], command =>
    busy
      ? greylist(command, {
          connection: 0,
          transactions: 0,
          reversePath: '',
          forwardPaths: [],
          clientAddress: '127.0.0.1',
          heloName: '',
        })
      : undefined,
  )
  await world.post({ from, to, message: wantedWithin(world, 8 * minute, 'notify') })
  await world.pass(6 * minute)
  assert.deepEqual(await world.mailbox(from), [])
  await world.pass(2 * minute)
  const [report = '', ...others] = await world.mailbox(from)
  assert.match(report, /^Action: delayed/im)
  assert.deepEqual(others, [])
  busy = false
  peer.commands.length = 0
  await world.pass(2 * hour)
  assert.match(mailLine(peer), / BY=-[0-9]+;N$/)
  assert.equal(peer.messages.length, 1)
  assert.equal((await world.mailbox(from)).length, 1)
})

test('a server without DELIVERBY gets what is only to be notified of, and the sender is told, but for NOTIFY=NEVER', async t => {
  const { world, peer } = await worldAndPeer(t, [])
  const message = wantedWithin(world, hour, 'notify')
  await world.post({ from, to: [{ address: 'boris@example.org', notify: [] }], message })
  assert.deepEqual(await world.mailbox(from), [])
  const id = await world.post({ from, to, message })
  assert.equal(peer.messages.length, 2)
  assert.doesNotMatch(peer.commands.join(), /BY=/)
  const [report = ''] = await world.mailbox(from)
  assert.match(report, /^Action: relayed/im)
  assert.match(report, /does not offer DELIVERBY/)
  const trail = (await world.events(id)).map(event => describeEvent(event).text)
  assert.ok(
    trail.some(text => text.includes('which promises no time of delivery')),
    trail.join('\n'),
  )
})

test('held mail goes at its time, and counts its delays from then on', async t => {
  const { world, peer } = await worldAndPeer(t, [], greylist)
  const now = world.clock.now()
  const message = { releaseAt: now + 10 * hour, expiresAt: now + 58 * hour }
  const id = await world.post({ from, to, message })
  await world.pass(9 * hour)
  assert.equal(peer.connections, 0)
  assert.match(describeEvent((await world.events(id))[0] ?? assert.fail()).text, /Held at the sender's wish/)
  await world.pass(hour)
  assert.equal((await world.attempts(id)).length, 1)
  assert.deepEqual(await world.mailbox(from), [])
  await world.pass(4 * hour)
  assert.match((await world.mailbox(from)).join(), /^Action: delayed/im)
})
