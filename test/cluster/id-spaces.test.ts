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

test('those of a server that ended, or has been silent for long, are free again; those of one that lives are not', async t => {
  const { storage } = await openTestStorage(t)
  const [ended, silent, alive] = [
    await take(storage, 'ended'),
    await take(storage, 'silent'),
    await take(storage, 'alive'),
  ]
  await storage.run(leaveNode, { id: 'ended' })
  await storage.run(enterNode, { node: node('alive'), load, now: at + 9 * minute })
  assert.deepEqual(await take(storage, 'second', 3, at + 9 * minute), ended)
  await storage.run(enterNode, { node: node('alive'), load, now: at + 11 * minute })
  assert.deepEqual(await take(storage, 'third', 3, at + 11 * minute), silent)
  const fourth = await take(storage, 'fourth', 3, at + 11 * minute)
  assert.ok(fourth.every(number => !alive.includes(number)))
})

test('after an outage in which all were silent the first to come takes nobody’s', async t => {
  const { storage } = await openTestStorage(t)
  const [one, two] = [await take(storage, 'one'), await take(storage, 'two')]
  const first = await take(storage, 'first', 3, at + 60 * minute)
  assert.ok(first.every(number => !one.includes(number) && !two.includes(number)))
  for (const id of ['one', 'two'])
    assert.equal(await storage.run(enterNode, { node: node(id), load, now: at + 60 * minute }), 3)
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
