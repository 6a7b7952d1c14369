// Work that is done at the start, and then every so often.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { LastingTrouble } from '../../src/runtime/lasting-trouble.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { RegularWork } from '../../src/runtime/regular-work.ts'
import { createManualClock } from '../harness/manual-clock.ts'

function watch() {
  const occasions: boolean[] = []
  const begun: PromiseWithResolvers<void>[] = []
  const clock = createManualClock()
  const regular = new RegularWork({
    clock,
    everyMs: 1000,
    trouble: new LastingTrouble(silentLog, { begins: 'it fails', ends: 'it works again' }),
    work({ isWoken }) {
      occasions.push(isWoken)
      const one = Promise.withResolvers<void>()
      begun.push(one)
      return one.promise
    },
  })
  return {
    regular,
    clock,
    begun,
    occasions,
    end: async (outcome: 'done' | 'failed' = 'done') => {
      if (outcome === 'done') begun.at(-1)?.resolve()
      else begun.at(-1)?.reject(new Error('no'))
      await nextTurn()
    },
  }
}

test('it is done at the start, at each time, and when it is woken; once when it is still under way', async () => {
  const { regular, clock, begun, occasions, end } = watch()
  regular.wake()
  assert.equal(begun.length, 0)
  regular.start()
  assert.equal(begun.length, 1)
  clock.advance(1000)
  assert.equal(begun.length, 1)
  await end()
  assert.equal(begun.length, 1)
  clock.advance(1000)
  assert.equal(begun.length, 2)
  await end()
  regular.wake()
  assert.equal(begun.length, 3)
  assert.deepEqual(occasions, [false, false, true])
})

for (const outcome of ['done', 'failed'] as const)
  test(`what it is woken for while it is under way is looked for in one more time, when it is ${outcome}`, async () => {
    const { regular, begun, end } = watch()
    regular.start()
    regular.wake()
    regular.wake()
    assert.equal(begun.length, 1)
    await end(outcome)
    assert.equal(begun.length, 2)
    await end()
    assert.equal(begun.length, 2)
  })

test('stopped, it waits for what is under way, and nothing is begun any more', async () => {
  const { regular, clock, begun, end } = watch()
  regular.start()
  regular.wake()
  const stopped = regular.stop()
  await end()
  await stopped
  clock.advance(1000)
  regular.wake()
  assert.equal(begun.length, 1)
})
