// What limits leave: never more than they say in any span of time, whoever asks, and after a restart.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  lookAtAllowance,
  type RateLimit,
  returnAllowance,
  takeAllowance,
} from '../../src/queue/allowances.ts'
import { openTestStorage } from '../harness/test-storage.ts'

const at = Date.UTC(2026, 0, 1)
const minute = 60_000
const hour = 60 * minute
const perMinute: RateLimit = { most: 10, spanMs: minute }
const perHour: RateLimit = { most: 25, spanMs: hour }

async function openAllowance(t: Parameters<typeof openTestStorage>[0], limits: readonly RateLimit[]) {
  const { storage } = await openTestStorage(t)
  return {
    take: (wanted: number, now: number, allowance = 'one') =>
      storage.run(takeAllowance, { allowance, limits, wanted, now }),
    look: (now: number) => storage.run(lookAtAllowance, { allowance: 'one', limits, wanted: 1, now }),
    giveBack: (unused: number, takenAt: number) =>
      storage.run(returnAllowance, { allowance: 'one', limits, unused, takenAt }),
  }
}

test('as much as all limits leave; then when there is more, and which limit it is', async t => {
  const { take } = await openAllowance(t, [perMinute, perHour])
  assert.equal((await take(4, at)).granted, 4)
  const second = await take(8, at)
  assert.equal(second.granted, 6)
  assert.deepEqual(second.limit, perMinute)
  assert.deepEqual(await take(1, at + 1000, 'another'), { granted: 1 })
  const { granted, moreAt = 0 } = await take(1, at + 30_000)
  assert.equal(granted, 0)
  assert.ok(moreAt > at + minute && moreAt <= at + minute + 1000)
  assert.equal((await take(10, moreAt)).granted, 10)
  const last = await take(10, moreAt + 2 * minute)
  assert.equal(last.granted, 5)
  assert.deepEqual(last.limit, perHour)
  assert.equal((await take(10, at + 2 * hour)).granted, 10)
})

test('a long limit that leaves something, but less than is wanted, does not make anybody wait for it', async t => {
  const { take } = await openAllowance(t, [perMinute, { most: 12, spanMs: hour }])
  await take(10, at)
  const { granted, moreAt = 0, limit } = await take(3, at)
  assert.equal(granted, 0)
  assert.deepEqual(limit, perMinute)
  assert.ok(moreAt <= at + minute + 1000)
  assert.equal((await take(3, moreAt)).granted, 2)
})

test('who only looks takes nothing, and is told the same', async t => {
  const { take, look } = await openAllowance(t, [perMinute])
  for (let n = 0; n < 20; n++) assert.equal((await look(at)).granted, 1)
  assert.equal((await take(10, at)).granted, 10)
  assert.deepEqual(await look(at + 1000), await take(1, at + 1000))
  assert.equal((await look(at + hour)).granted, 1)
})

test('what is given back can be taken again, and no more', async t => {
  const { take, giveBack } = await openAllowance(t, [perMinute])
  assert.equal((await take(10, at)).granted, 10)
  await giveBack(4, at)
  assert.equal((await take(10, at + 5000)).granted, 4)
  assert.equal((await take(10, at + minute + 2000)).granted, 6)
})

test('in no span of time more than the limit', async t => {
  const { take } = await openAllowance(t, [perMinute])
  let runs = 0
  const asks = fc.record({
    waitMs: fc.integer({ min: 0, max: 40_000 }),
    wanted: fc.integer({ min: 1, max: 12 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(asks, { minLength: 1, maxLength: 30 }), async all => {
      const allowance = `run ${++runs}`
      const granted: { readonly now: number; readonly count: number }[] = []
      let now = at
      for (const { waitMs, wanted } of all) {
        now += waitMs
        granted.push({ now, count: (await take(wanted, now, allowance)).granted })
      }
      for (const { now: from } of granted) {
        const within = granted.filter(one => one.now >= from && one.now < from + minute)
        assert.ok(within.reduce((sum, { count }) => sum + count, 0) <= perMinute.most)
      }
    }),
    { numRuns: 20 },
  )
})
