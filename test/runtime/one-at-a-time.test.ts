// Work of which one at a time is enough.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { oneAtATime } from '../../src/runtime/one-at-a-time.ts'

test('it is not begun again before it has ended', async () => {
  const begun: PromiseWithResolvers<void>[] = []
  const begin = oneAtATime(() => {
    const work = Promise.withResolvers<void>()
    begun.push(work)
    return work.promise
  })
  begin()
  begin()
  assert.equal(begun.length, 1)
  begun[0]?.resolve()
  await nextTurn()
  begin()
  assert.equal(begun.length, 2)
})
