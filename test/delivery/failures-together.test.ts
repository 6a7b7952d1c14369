// How many failures of one message wait for each other, and how long.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailuresTogether } from '../../src/delivery/failures-together.ts'
import type { Attempted } from '../../src/delivery/plan-settlement.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'

interface Scene {
  readonly failures: FailuresTogether
  readonly settled: number[]
  readonly clock: ManualClock
  underWay: number
}

function createScene(underWay: number): Scene {
  const clock = createManualClock()
  const settled: number[] = []
  const failures = new FailuresTogether({
    clock,
    underWay: () => scene.underWay,
    settle: ({ recipient }) => void settled.push(recipient.id),
  })
  const scene: Scene = { failures, settled, clock, underWay }
  return scene
}

const failed = (recipientId: number, messageId = 1): Attempted =>
  ({ work: { message: { id: messageId } }, recipient: { id: recipientId } }) as unknown as Attempted

test('the only one of its message does not wait', () => {
  const { failures, settled } = createScene(1)
  failures.add(failed(1))
  assert.deepEqual(settled, [1])
})

test('ten seconds from the first on, whoever came since', () => {
  const { failures, settled, clock } = createScene(9)
  failures.add(failed(1))
  clock.advance(9000)
  failures.add(failed(2))
  assert.deepEqual(settled, [])
  clock.advance(1000)
  assert.deepEqual(settled, [1, 2])
  failures.add(failed(3))
  clock.advance(9000)
  assert.deepEqual(settled, [1, 2])
  clock.advance(1000)
  assert.deepEqual(settled, [1, 2, 3])
})

test('of another message they wait for themselves', () => {
  const scene = createScene(2)
  scene.failures.add(failed(1))
  scene.failures.add(failed(2, 2))
  scene.underWay = 1
  scene.failures.ended(2)
  assert.deepEqual(scene.settled, [2])
})

test('five hundred make a report', () => {
  const { failures, settled } = createScene(10_000)
  for (let id = 1; id <= 999; id++) failures.add(failed(id))
  assert.equal(settled.length, 500)
})

test('once stopped, none waits', () => {
  const { failures, settled } = createScene(9)
  failures.add(failed(1))
  failures.stop()
  failures.add(failed(2))
  assert.deepEqual(settled, [1, 2])
})
