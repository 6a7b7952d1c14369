// The servers that share a database, as each of them and the command line see the others.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  enterNode,
  findDeliveryNode,
  leaveNode,
  type NodeFacts,
  readCluster,
} from '../../src/cluster/nodes.ts'
import { openTestStorage } from '../harness/test-storage.ts'

const now = Date.UTC(2026, 0, 31)
const load = { sessions: 0, cpuPercent: 0, memoryBytes: 0 }
const node = (facts: Partial<NodeFacts>): NodeFacts => ({
  id: 'one',
  hostname: 'mail.example.test',
  version: '1.0.0',
  schemaVersion: 1,
  pid: 1,
  startedAt: now,
  roles: ['front', 'delivery'],
  ...facts,
})

test('a server that delivers is found while it is heard of', async t => {
  const { storage } = await openTestStorage(t)
  const found = async (seenSince: number): Promise<boolean> =>
    await storage.run(findDeliveryNode, { seenSince })
  assert.equal(await found(now), false)
  await storage.run(enterNode, { node: node({ id: 'front', roles: ['front'] }), load, now })
  assert.equal(await found(now), false)
  await storage.run(enterNode, { node: node({}), load, now })
  assert.equal(await found(now), true)
  assert.equal(await found(now + 1), false)
  await storage.run(leaveNode, { id: 'one' })
  assert.equal(await found(now), false)
})

test('servers with one name are told apart by their machines; an older one has none', async t => {
  const { storage } = await openTestStorage(t)
  await storage.run(enterNode, { node: node({ machine: 'mx-a' }), load, now })
  await storage.run(enterNode, { node: node({ id: 'two', startedAt: now + 1, machine: 'mx-b' }), load, now })
  await storage.run(enterNode, { node: node({ id: 'old', startedAt: now + 2 }), load, now })
  const { nodes } = await storage.run(readCluster, { now })
  assert.deepEqual(
    nodes.map(({ machine }) => machine),
    ['mx-a', 'mx-b', undefined],
  )
  assert.deepEqual(nodes[0]?.load, load)
})
