// A message that kills the agent which has it (docs/adr/0005).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DeliveryAgent } from '../../src/delivery/delivery-agent.ts'
import { holdRecipients, releaseRecipients } from '../../src/queue/administer.ts'
import { claimDueWork } from '../../src/queue/claim-due-work.ts'
import { listQueue } from '../../src/queue/list-queue.ts'
import { engine } from '../harness/test-storage.ts'
import { administer } from '../queue/open-queue.ts'
import { startPeer } from './remote-peer.ts'
import { createWorld } from './world.ts'

test('a message that kills each agent that has it is set aside; what was under way with it is delivered', async t => {
  let kills = (command: string): boolean => command.startsWith('RCPT')
  const peer = await startPeer({ script: command => (kills(command) ? 'silence' : undefined) })
  t.after(() => peer.close())
  const world = await createWorld(t, { delivery: { port: peer.port } })
  world.dns.host('example.org', peer.address)
  const from = 'anna@example.test'
  const poison = await world.accept({ from, to: ['poison@example.org'] })
  await world.accept({ from, to: ['clara@example.org'] })
  const seen = (name: string): number =>
    peer.commands.filter(command => command.startsWith(`RCPT TO:<${name}@`)).length

  // The first agent dies with both of them.
  world.agent.wake()
  while (seen('poison') + seen('clara') < 1) await nextTurn()
  // The second message waits for the connection that the first has; after a while it gets one of its own.
  while (seen('poison') < 1 || seen('clara') < 1) {
    world.clock.advance(1)
    await nextTurn()
  }

  // The next ones die with the first of them, until that is known to be the one: at the latest when it is tried alone.
  kills = command => command.startsWith('RCPT TO:<poison@')
  const isSetAside = async (): Promise<boolean> => {
    const { messages } = await world.storage.run(listQueue, {
      selection: { queueId: poison },
      afterId: 0,
      limit: 1,
    })
    return messages[0]?.recipients[0]?.state === 'held'
  }
  let last: DeliveryAgent
  do {
    const before = seen('poison')
    world.killAgents()
    last = world.createAgent('after-death')
    await last.start()
    while (seen('poison') === before && !(await isSetAside())) await nextTurn()
  } while (!(await isSetAside()))
  assert.ok(seen('poison') <= 4)
  await last.idle()
  // Where routes come in the order in which the database answers, it may have been delivered before a death that kept
  // that from being written: then it comes once more, and is never lost.
  const delivered = peer.messages.flatMap(({ forwardPaths }) => forwardPaths)
  assert.ok(delivered.length >= 1 && delivered.every(path => path === 'clara@example.org'), delivered.join())
  if (engine === 'sqlite') assert.equal(delivered.length, 1)
  const setAside = 'a message was set aside: the delivery thread died each time it had it: undefined'
  assert.equal(world.errors.filter(error => error === setAside).length, 1)
  const { messages } = await world.storage.run(listQueue, { selection: {}, afterId: 0, limit: 10 })
  const [held, ...others] = messages
  assert.deepEqual([held?.message.id, held?.recipients[0]?.state], [poison, 'held'])
  assert.deepEqual(others, [])
})

test('a suspect that was on hold is delivered when it is released', async t => {
  const world = await createWorld(t)
  await world.account('anna@example.test')
  await world.agent.stop(0)
  await world.accept({ from: null, to: ['anna@example.test'] })
  const now = world.clock.now()
  await world.storage.run(claimDueWork, { now, leaseUntil: now + 1e9, owner: 'dead', maxRecipients: 10 })
  await administer(world.storage, holdRecipients, {}, now)
  const next = world.createAgent('after-death')
  await next.start()
  await next.idle()
  assert.deepEqual(await world.mailbox('anna@example.test'), [])
  await administer(world.storage, releaseRecipients, {}, now)
  await next.idle()
  assert.equal((await world.mailbox('anna@example.test')).length, 1)
})

test('suspects for whom a limit leaves no room come again when there is more', async t => {
  const peer = await startPeer({ address: '127.0.0.2' })
  t.after(() => peer.close())
  const world = await createWorld(t, {
    delivery: { port: peer.port, limits: [{ match: ['example.org'], perMinute: 2 }] },
  })
  world.dns.host('example.org', peer.address)
  await world.agent.stop(0)
  for (let n = 0; n < 5; n++) await world.accept({ from: null, to: [`user${n}@example.org`] })
  const now = world.clock.now()
  await world.storage.run(claimDueWork, { now, leaseUntil: now + 1e9, owner: 'dead', maxRecipients: 10 })
  const next = world.createAgent('after-death')
  await next.start()
  const sent: number[] = []
  for (let minutes = 0; minutes < 3; minutes++) {
    await next.idle()
    sent.push(peer.messages.length)
    world.clock.advance(62_000)
    next.wake()
  }
  assert.deepEqual(sent, [2, 4, 5])
})
