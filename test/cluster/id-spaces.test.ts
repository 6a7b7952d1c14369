// Spaces of queue ids: no two servers that live have the same, and those of the dead come back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { takeIdSpaces } from '../../src/cluster/id-spaces.ts'
import { enterNode, leaveNode, type NodeFacts } from '../../src/cluster/nodes.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { openTestStorage } from '../harness/test-storage.ts'

const at = Date.UTC(2026, 0, 1)
const minute = 60_000
const load = { sessions: 0, cpuPercent: 0, memoryBytes: 0 }

function node(id: string): NodeFacts {
  const roles = ['front', 'delivery'] as const
  return { id, hostname: `${id}.example.test`, version: '1', schemaVersion: 1, pid: 1, startedAt: at, roles }
}

const take = (storage: Storage, nodeId: string, count = 3, now = at) =>
  storage.run(takeIdSpaces, { nodeId, count, now })

test('servers that start at the same moment have different ones', async t => {
  const { storage } = await openTestStorage(t)
  const taken = await Promise.all(['a', 'b', 'c', 'd'].map(id => take(storage, id)))
  assert.equal(new Set(taken.flat()).size, 12)
  for (const number of taken.flat()) assert.ok(number >= 0 && number < 256)
})

test('those of a server that ended are free again', async t => {
  const { storage } = await openTestStorage(t)
  const ended = await take(storage, 'ended')
  await storage.run(leaveNode, { id: 'ended' })
  assert.deepEqual(await take(storage, 'next'), ended)
})

test('those of servers that died are taken when no others are left, the longest silent first', async t => {
  const { storage } = await openTestStorage(t)
  const died = await take(storage, 'died', 3)
  const diedLater = await take(storage, 'died-later', 3, at + minute)
  await take(storage, 'alive', 250)
  await storage.run(enterNode, { node: node('alive'), load, now: at + 12 * minute })
  assert.deepEqual(await take(storage, 'next', 2, at + 12 * minute), died.slice(0, 2))
  assert.deepEqual(await take(storage, 'after-it', 2, at + 12 * minute), [died[2], diedLater[0]])
  await assert.rejects(take(storage, 'late', 3, at + 12 * minute), { code: 'CLUSTER_FULL' })
})

test('a server that is killed at each start still finds some, with nobody alive', async t => {
  const { storage } = await openTestStorage(t)
  for (let starts = 0; starts < 100; starts++) {
    const own = await take(storage, `start-${starts}`, 3, at + starts * minute)
    assert.equal(own.length, 3)
  }
})

test('after an outage in which all were silent those who come take nobody’s', async t => {
  const { storage } = await openTestStorage(t)
  const living = [...(await take(storage, 'one')), ...(await take(storage, 'two'))]
  const later = at + 60 * minute
  for (const id of ['first', 'second']) {
    const own = await take(storage, id, 3, later)
    assert.ok(own.every(number => !living.includes(number)))
    assert.equal(await storage.run(enterNode, { node: node(id), load, now: later }), 3)
  }
  for (const id of ['one', 'two'])
    assert.equal(await storage.run(enterNode, { node: node(id), load, now: later }), 3)
})

test('a start that was cut off and begins again has no more than it needs', async t => {
  const { storage } = await openTestStorage(t)
  assert.deepEqual(await take(storage, 'one'), [0, 1, 2])
  assert.deepEqual(await take(storage, 'one'), [0, 1, 2])
})

test('when too few are left the server is told so, and takes none', async t => {
  const { storage } = await openTestStorage(t)
  await take(storage, 'large', 255)
  await assert.rejects(take(storage, 'late'), { code: 'CLUSTER_FULL', message: /run fewer servers/ })
  assert.deepEqual(await take(storage, 'small', 1), [255])
})
