import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createConnectionCountTable,
  forgetConnections,
  shareConnectionCounts,
} from '../../src/main/shared-connection-counts.ts'

test('fronts count together, and what a dead one counted is forgotten', () => {
  const table = createConnectionCountTable(2)
  const one = shareConnectionCounts(table, 0)('smtp')
  const other = shareConnectionCounts(table, 1)('smtp')
  assert.equal(one.add('192.0.2.1'), 1)
  assert.equal(other.add('192.0.2.1'), 2)
  assert.equal(other.add('2001:db8::1'), 1)
  one.remove('192.0.2.1')
  assert.equal(other.add('192.0.2.1'), 2)
  forgetConnections(table, 1)
  assert.equal(one.add('192.0.2.1'), 1)
})

test('an address is counted right beside ten thousand others, and at most a little too high', () => {
  const table = createConnectionCountTable(1)
  const counts = shareConnectionCounts(table, 0)('smtp')
  const addressOf = (index: number): string => `10.1.${index >> 8}.${index & 255}`
  for (let index = 0; index < 10_000; index++) counts.add(addressOf(index))
  const seen = Array.from({ length: 10_000 }, (_, index) => counts.add(addressOf(index)))
  assert.ok(Math.min(...seen) === 2)
  assert.ok(Math.max(...seen) < 20, `${Math.max(...seen)}`)
  for (let index = 0; index < 10_000; index++) {
    counts.remove(addressOf(index))
    counts.remove(addressOf(index))
  }
  assert.equal(counts.add('192.0.2.1'), 1)
})
