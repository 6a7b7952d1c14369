// What has been sent and is not written down is sent again after a death: there is never much of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { settle } from '../../src/queue/settle.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { startPeer } from './remote-peer.ts'
import { createWorld } from './world.ts'

test('while outcomes cannot be written, no more than some hundred messages are sent; then all are, once', async t => {
  const peer = await startPeer({ address: '127.0.0.2' })
  t.after(() => peer.close())
  const gate = Promise.withResolvers<void>()
  const world = await createWorld(t, {
    delivery: { port: peer.port, maxConnectionsPerDestination: 5 },
    faultyStorage: (real: Storage) => ({
      ...real,
      async run(operation, input) {
        if (operation.name === settle.name) await gate.promise
        return await real.run(operation, input)
      },
      onWake: (topic, listener) => real.onWake(topic, listener),
    }),
  })
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', peer.address)
  for (let n = 0; n < 400; n++) await world.accept({ from: 'anna@example.test', to: ['boris@example.org'] })
  world.agent.wake()
  while (peer.messages.length < 200) await nextTurn()
  for (let turn = 0; turn < 500; turn++) await nextTurn()
  assert.ok(peer.messages.length <= 210, `${peer.messages.length}`)
  gate.resolve()
  await world.agent.idle()
  assert.equal(peer.messages.length, 400)
  assert.equal(await world.waiting(), 0)
})
