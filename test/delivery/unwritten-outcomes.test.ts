// What has been sent and is not written down is sent again after a death: there is never much of it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { settle } from '../../src/queue/settle.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { storageIsGone } from '../../src/storage/storage-fault.ts'
import { type RemotePeer, startPeer } from './remote-peer.ts'
import { createWorld, type World } from './world.ts'

const connections = 5
/** Outcomes that may be unwritten, and what is being sent on each connection. */
const most = 200 + connections * 50

interface Gated {
  readonly world: World
  readonly peer: RemotePeer
  /** Outcomes are written from now on. */
  readonly open: () => void
  /** Nobody can write them any more. */
  readonly fail: () => void
}

/** Outcomes cannot be written at first. */
async function gatedWorld(t: TestContext): Promise<Gated> {
  const peer = await startPeer({ address: '127.0.0.2' })
  t.after(() => peer.close())
  const gate = Promise.withResolvers<void>()
  const world = await createWorld(t, {
    delivery: { port: peer.port, maxConnectionsPerDestination: connections },
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
  return { world, peer, open: () => gate.resolve(), fail: () => gate.reject(storageIsGone()) }
}

const from = 'anna@example.test'
const recipientsOf = ({ messages }: RemotePeer): number =>
  messages.reduce((sum, { forwardPaths }) => sum + forwardPaths.length, 0)

async function untilNothingMoves(peer: RemotePeer): Promise<void> {
  let seen = 0
  for (let quietTurns = 0; seen === 0 || quietTurns < 500; quietTurns++) {
    await nextTurn()
    if (recipientsOf(peer) === seen) continue
    seen = recipientsOf(peer)
    quietTurns = 0
  }
}

test('while outcomes cannot be written, no more than some hundred messages are sent; then all are, once', async t => {
  const { world, peer, open } = await gatedWorld(t)
  for (let n = 0; n < 400; n++) await world.accept({ from, to: ['boris@example.org'] })
  world.agent.wake()
  await untilNothingMoves(peer)
  assert.ok(peer.messages.length <= 200 + 2 * connections, `${peer.messages.length}`)
  open()
  await world.agent.idle()
  assert.equal(peer.messages.length, 400)
  assert.equal(await world.waiting(), 0)
})

test('nor more than some hundred recipients of one message', async t => {
  const { world, peer, open } = await gatedWorld(t)
  const to = Array.from({ length: 1000 }, (_, n) => `user${n}@example.org`)
  await world.accept({ from, to })
  world.agent.wake()
  await untilNothingMoves(peer)
  assert.ok(recipientsOf(peer) <= most, `${recipientsOf(peer)}`)
  open()
  await world.agent.idle()
  assert.equal(recipientsOf(peer), 1000)
  assert.equal(await world.waiting(), 0)
})

test('a stop meanwhile opens no connection, and has few words for many outcomes', async t => {
  const { world, peer, fail } = await gatedWorld(t)
  for (let n = 0; n < 400; n++) await world.accept({ from, to: ['boris@example.org'] })
  world.agent.wake()
  await untilNothingMoves(peer)
  const opened = peer.connections
  const stopped = world.agent.stop(0)
  fail()
  await stopped
  for (let turn = 0; turn < 500; turn++) await nextTurn()
  assert.equal(peer.connections, opened)
  assert.ok(world.errors.length <= 4, world.errors.join('\n'))
})
