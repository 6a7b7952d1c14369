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

test('of two fronts that add at one moment only one finds room for one, wherever the one is when the other comes', t => {
  const host = '192.0.2.1'
  // The other comes before the step of this number, of those that touch the shared memory.
  const countWithInterruption = (before: number): { readonly seen: number[]; readonly steps: number } => {
    const table = createConnectionCountTable(2)
    const [one, other] = [0, 1].map(front => shareConnectionCounts(table, front)('smtp'))
    const seen: number[] = []
    let steps = 0
    const mocks = (['add', 'load'] as const).map(name => {
      const step: (...args: never[]) => number = Atomics[name]
      return t.mock.method(Atomics, name, (...args: never[]) => {
        if (steps++ === before) seen.push(other?.add(host) ?? 0)
        return step(...args)
      })
    })
    seen.push(one?.add(host) ?? 0)
    for (const { mock } of mocks) mock.restore()
    return { seen, steps }
  }
  const { steps } = countWithInterruption(-1)
  for (let before = 0; before < steps; before++)
    assert.equal(Math.max(...countWithInterruption(before).seen), 2, `before step ${before}`)
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
