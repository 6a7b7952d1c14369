// A terminal that does not answer holds nobody up.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Terminals } from '../../src/main/terminals.ts'
import { createManualClock } from '../harness/manual-clock.ts'

test('a terminal that has stopped counts as not shown after ten seconds; another of the address counts', async () => {
  const clock = createManualClock()
  const terminals = new Terminals(() => {}, clock)
  terminals.open('anna', { show: () => new Promise(() => {}) })
  const alone = terminals.show('anna', 'text')
  clock.advance(10_000)
  assert.equal(await alone, false)
  terminals.open('anna', { show: () => Promise.resolve(true) })
  const both = terminals.show('anna', 'text')
  await nextTurn()
  clock.advance(10_000)
  assert.equal(await both, true)
})
