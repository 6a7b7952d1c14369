// The week of `npm run simulate`, small: what it is to show is shown at that size too.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play } from '../../simulation/play.ts'
import { createWeek } from '../../simulation/week.ts'

test('in a small week each limit is met, and kept', async () => {
  const { audit, ledger, scenario } = await play(createWeek(6000, 1, 1))
  const broken = audit.invariants.flatMap(({ name, isKept, detail }) =>
    isKept ? [] : [`${name}: ${detail}`],
  )
  assert.deepEqual(broken, [])
  const met = [...ledger.limitsUsed].flatMap(([name, part]) => (part === 1 ? [name] : []))
  assert.deepEqual(met.toSorted(), [
    'capped in an hour',
    'netease in an hour',
    'per-hour in an hour',
    'per-minute in a minute',
  ])
  for (const name of ['secret-limit', 'trickle', 'greylisting', 'blocking', 'full']) {
    const index = scenario.receivers.findIndex(receiver => receiver.name === name)
    const isPutOff = ledger.deferrals.some((count, number) => count > 0 && ledger.receiver[number] === index)
    assert.ok(isPutOff, name)
  }
})
