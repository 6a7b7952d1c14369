// One timer for many deadlines: it runs when the first is over, and not before.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DeadlineWatch } from '../../src/connection/deadline-watch.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { createManualClock } from '../harness/manual-clock.ts'

function watching(coarseMs: number) {
  const clock = createManualClock(0)
  const deadlines = new Set<number>()
  const ended: string[] = []
  let runs = 0
  const watch = new DeadlineWatch(clock, coarseMs, now => {
    runs++
    for (const at of deadlines) {
      if (at > now) continue
      deadlines.delete(at)
      ended.push(`${at} at ${now}`)
    }
    return Math.min(...deadlines)
  })
  const set = (at: number): void => {
    deadlines.add(at)
    watch.expect(at)
  }
  return { clock, deadlines, ended, watch, set, runs: () => runs }
}

test('each deadline is noticed, at most so much too late', () => {
  const { clock, ended, set } = watching(100)
  for (const at of [950, 300, 310, 1200]) set(at)
  for (let ms = 0; ms < 20; ms++) clock.advance(100)
  assert.deepEqual(ended, ['300 at 300', '310 at 400', '950 at 1000', '1200 at 1200'])
})

test('while nothing is over it does nothing, though deadlines move on', () => {
  const { clock, deadlines, runs, set } = watching(100)
  set(1000)
  for (let ms = 0; ms < 9; ms++) {
    deadlines.clear()
    set(1000 + clock.now())
    clock.advance(100)
  }
  assert.equal(runs(), 0)
  clock.advance(100)
  assert.equal(runs(), 1)
  assert.equal(deadlines.size, 1)
})

test('a deadline that comes before the others is not missed; stopped, it runs no more', () => {
  const { clock, ended, set, watch } = watching(10)
  set(1000)
  clock.advance(50)
  set(100)
  clock.advance(50)
  assert.deepEqual(ended, ['100 at 100'])
  watch.stop()
  clock.advance(2000)
  assert.deepEqual(ended, ['100 at 100'])
})

test('a failure in ending one leaves the watch on the others', () => {
  const clock = createManualClock(0)
  let runs = 0
  const watch = new DeadlineWatch(clock, 100, () => {
    if (++runs === 1) throw new Error('this one cannot be ended')
    return Number.POSITIVE_INFINITY
  })
  watch.expect(100)
  assert.throws(() => clock.advance(100), /cannot be ended/)
  clock.advance(100)
  assert.equal(runs, 2)
})

test('a deadline farther away than a timer of the system can wait keeps none busy', async t => {
  // Node's own word for a timer that it fires at once.
  const overflows: string[] = []
  const note = ({ name }: Error): void => void overflows.push(name)
  process.on('warning', note)
  t.after(() => process.off('warning', note))
  const far = systemClock.now() + 30 * 24 * 3_600_000
  const watch = new DeadlineWatch(systemClock, 100, () => far)
  watch.expect(far)
  for (let turn = 0; turn < 5; turn++) await nextTurn()
  watch.stop()
  assert.deepEqual(overflows, [])
})
