// What a server holds of a limit: used late, it would be counted too early.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Allowance, describeLimit } from '../../src/delivery/pacing/allowance.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { openTestStorage } from '../harness/test-storage.ts'

const minute = 60_000

test('what was taken and not used at once goes back: in no hour more than the limit leaves', async t => {
  const { storage } = await openTestStorage(t)
  const clock = createManualClock()
  const limits = [{ most: 100, spanMs: 60 * minute }]
  const allowance = new Allowance({
    storage,
    clock,
    key: 'destination one',
    name: 'one',
    limitsNow: () => limits,
  })
  const take = async (wanted: number): Promise<number> => (await allowance.take(wanted)).granted
  // A portion is five, of which four are left.
  assert.equal(await take(1), 1)
  clock.advance(30 * minute)
  let used = 0
  for (let granted = await take(1); granted > 0; granted = await take(1)) used += granted
  assert.equal(used, 99)
  // The first has left the hour, and it alone.
  clock.advance(31 * minute)
  assert.equal(await take(1), 1)
  assert.equal(await take(1), 0)
})

test('a limit is told in words, one of one too', () => {
  const told = ([most, spanMs]: readonly [number, number]): string => describeLimit({ most, spanMs })
  assert.equal(told([150, 24 * 60 * minute]), '150 recipients a day')
  assert.equal(told([60, 60 * minute]), '60 recipients an hour')
  assert.equal(told([1, minute]), '1 recipient a minute')
})
