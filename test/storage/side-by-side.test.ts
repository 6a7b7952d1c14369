// Several things in one transaction at once: none goes on when it is over.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { oneByOne, sideBySide } from '../../src/storage/side-by-side.ts'

test('what they come to stands in the order of the items, whoever is ready first', async () => {
  const started: number[] = []
  const doubled = await sideBySide([3, 1, 2], async n => {
    started.push(n)
    for (let turn = 0; turn < n; turn++) await nextTurn()
    return 2 * n
  })
  assert.deepEqual(doubled, [6, 2, 4])
  assert.deepEqual(started, [3, 1, 2])
})

test('one that fails is told when the others have ended', async () => {
  let ended = 0
  const failing = sideBySide([5, 0, 3], async turns => {
    if (turns === 0) throw new Error('the test wants it')
    for (let turn = 0; turn < turns; turn++) await nextTurn()
    ended++
  })
  await assert.rejects(failing, /the test wants it/)
  assert.equal(ended, 2)
})

test('one by one, nothing is begun after the first that fails', async () => {
  const begun: number[] = []
  const failing = oneByOne([1, 2, 3], async n => {
    begun.push(n)
    await nextTurn()
    if (n === 2) throw new Error('the test wants it')
  })
  await assert.rejects(failing, /the test wants it/)
  assert.deepEqual(begun, [1, 2])
})

test('what failed first is told, not what stands first', async () => {
  const failing = sideBySide([3, 1], async turns => {
    for (let turn = 0; turn < turns; turn++) await nextTurn()
    throw new Error(`after ${turns}`)
  })
  await assert.rejects(failing, /after 1/)
})
