// A message that kills the agent which has it (docs/adr/0005). To the storage an agent that hangs is as good as dead.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { listQueue } from '../../src/queue/list-queue.ts'
import { startPeer } from './remote-peer.ts'
import { createWorld } from './world.ts'

test('a message that kills its agent twice is set aside; what was under way with it is delivered', async t => {
  let kills = (command: string): boolean => command.startsWith('RCPT')
  const peer = await startPeer({ script: command => (kills(command) ? 'silence' : undefined) })
  t.after(() => peer.close())
  const world = await createWorld(t, { delivery: { port: peer.port } })
  world.dns.host('example.org', peer.address)
  const from = 'anna@example.test'
  const poison = await world.accept({ from, to: ['poison@example.org'] })
  await world.accept({ from, to: ['clara@example.org'] })
  const recipientsSeen = (): number => peer.commands.filter(command => command.startsWith('RCPT')).length

  // The first agent dies with both of them.
  world.agent.wake()
  while (recipientsSeen() < 1) await nextTurn()
  // The second message waits for the connection that the first has; after a while it gets one of its own.
  world.clock.advance(500)
  while (recipientsSeen() < 2) await nextTurn()

  // The second one tries them one after the other, and dies with the first.
  kills = command => command.startsWith('RCPT TO:<poison@')
  await world.createAgent('after-death').start()
  while (recipientsSeen() < 3) await nextTurn()
  assert.equal(peer.messages.length, 0)
  assert.deepEqual(world.errors, [])

  const third = world.createAgent('after-death')
  await third.start()
  await third.idle()
  assert.deepEqual(
    peer.messages.map(({ forwardPaths }) => forwardPaths),
    [['clara@example.org']],
  )
  assert.deepEqual(world.errors, [
    'a message was set aside: the delivery thread died twice while it had it: undefined',
  ])
  const [held, ...others] = await world.storage.run(listQueue, { selection: {}, afterId: 0, limit: 10 })
  assert.deepEqual([held?.message.id, held?.recipients[0]?.state], [poison, 'held'])
  assert.deepEqual(others, [])
})
