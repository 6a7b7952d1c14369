// The queue in parts by destination: who of several servers takes what, and that each takes no more than that.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  assert as assertProperty,
  domain as domains,
  property,
  stringMatching,
  uniqueArray,
} from 'fast-check'
import { claimDueWork } from '../../src/queue/claim-due-work.ts'
import { nextDueAt } from '../../src/queue/next-due-at.ts'
import { anyonesShard, shardOfDomain, shardsOf } from '../../src/queue/shards.ts'
import { at, describeWork, leaseMs, openOwnDomain, openQueue } from './open-queue.ts'

const names = uniqueArray(stringMatching(/^[a-z0-9]{1,12}$/), { minLength: 2, maxLength: 8 })
const ofAnyone = (shard: number): boolean => shard === anyonesShard

function ownersOf(owners: readonly string[]): Map<number, string> {
  const found = new Map<number, string>()
  for (const owner of owners) {
    const shards = shardsOf({ owner, owners }) ?? []
    assert.ok(shards.some(ofAnyone))
    for (const shard of shards) {
      if (ofAnyone(shard)) continue
      assert.ok(!found.has(shard), `${shard} is ${found.get(shard)}'s and ${owner}'s`)
      found.set(shard, owner)
    }
  }
  return found
}

test('each domain is exactly one owner’s, whatever their order', () => {
  assertProperty(
    property(names, domains(), (owners, domain) => {
      const found = ownersOf(owners)
      assert.deepEqual(found, ownersOf(owners.toReversed()))
      assert.ok(found.has(shardOfDomain(domain)))
    }),
  )
})

test('one that leaves hands on its own, and nothing moves between the others', () => {
  assertProperty(
    property(names, owners => {
      const [leaver, ...others] = owners
      const before = ownersOf(owners)
      if (others.length < 2) return
      for (const [shard, owner] of ownersOf(others))
        if (before.get(shard) !== leaver) assert.equal(owner, before.get(shard))
    }),
  )
})

test('three owners have about a third each', () => {
  const found = [...ownersOf(['one', 'two', 'three']).values()]
  for (const name of ['one', 'two', 'three']) {
    const share = found.filter(owner => owner === name).length / found.length
    assert.ok(share > 0.15 && share < 0.55, `${name}: ${share}`)
  }
})

test('alone, an owner takes everything; with one destination for all mail one of them does', () => {
  assert.equal(shardsOf({ owner: 'one', owners: ['one'] }), undefined)
  assert.equal(shardsOf({ owner: 'one', owners: [] }), undefined)
  const owners = ['one', 'two', 'three']
  const onlyDestination = 'smart-host mx.example.net:25'
  const counts = owners.map(owner => shardsOf({ owner, owners, onlyDestination })?.length ?? 0)
  assert.deepEqual(counts.toSorted(), [1, 1, 65])
})

test('a claim takes what is in its shards or anyone’s, the oldest first, and nothing else', async t => {
  const queue = await openQueue(t)
  await openOwnDomain(queue, 'example.test')
  await queue.accept({ to: ['a@example.org', 'b@example.net', 'local@example.test'], at: at + 2 })
  await queue.accept({ to: ['c@example.net', 'd@example.net'], at: at + 1 })
  await queue.accept({ to: ['e@example.net'], at: at + 50 })
  const net = shardOfDomain('example.net')
  assert.notEqual(net, shardOfDomain('example.org'))
  const shards = [anyonesShard, net]
  const claim = async (now: number, maxRecipients = 100, of: readonly number[] = shards) =>
    describeWork(
      await queue.storage.run(claimDueWork, {
        owner: 'one',
        now,
        leaseUntil: now + leaseMs,
        maxRecipients,
        shards: of,
      }),
    )
  assert.equal((await queue.storage.run(nextDueAt, shards)).work, at + 1)
  assert.deepEqual(await claim(at + 1, 100, [anyonesShard]), [])
  // The limit parts no recipients of one message in one domain.
  assert.deepEqual(await claim(at + 10, 1), ['2: c@example.net d@example.net'])
  assert.deepEqual(await claim(at + 10), ['1: b@example.net', '1: local@example.test'])
  assert.equal((await queue.storage.run(nextDueAt, shards)).work, at + 50)
  assert.equal((await queue.storage.run(nextDueAt, undefined)).work, at + 2)
  assert.deepEqual(await claim(at + 10, 100, [anyonesShard, shardOfDomain('example.org')]), [
    '1: a@example.org',
  ])
})
