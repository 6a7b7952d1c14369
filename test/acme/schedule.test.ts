// When certificates are asked for: at two thirds of their life, after failures later each time, as late as an authority asks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRetryAfter } from '../../src/acme/open-client.ts'
import { attemptAfterFailure, isShort, renewalAt } from '../../src/acme/schedule.ts'

const minute = 60_000
const day = 86_400_000
const least = { bytes: (count: number) => new Uint8Array(count), fraction: () => 0 }
const most = { ...least, fraction: () => 1 }

test('renewal: from 61.7 % to 66.7 % of the life after it was issued, whatever the dates say, and never within an hour', () => {
  const now = Date.UTC(2026, 0, 1)
  for (const shift of [0, -400 * day, 400 * day]) {
    const dates = { validFrom: now + shift, validTo: now + shift + 90 * day }
    assert.equal(renewalAt(dates, now, least), now + 60 * day)
    assert.equal(renewalAt(dates, now, most), now + 55.5 * day)
  }
  assert.equal(renewalAt({ validFrom: now, validTo: now }, now, least), now + 60 * minute)
  assert.equal(renewalAt({ validFrom: now, validTo: now - day }, now, least), now + 60 * minute)
})

test('after failures: four attempts in the first hour at most, then fewer, at least one a day', () => {
  const waits = Array.from({ length: 10 }, (_, n) => attemptAfterFailure(n + 1, undefined, 0, least) / minute)
  assert.deepEqual(waits, [1, 10, 30, 60, 180, 360, 720, 1440, 1440, 1440])
  assert.equal(attemptAfterFailure(1, undefined, 0, most), 1.1 * minute)
})

test('an authority that asks to wait is waited for, a week at most', () => {
  assert.equal(attemptAfterFailure(1, 2 * day, 0, least), 2 * day)
  assert.equal(attemptAfterFailure(1, 5000 * day, 0, least), 7 * day)
  assert.equal(attemptAfterFailure(8, 1000, 0, least), day)
  const now = Date.UTC(2026, 0, 1)
  assert.equal(parseRetryAfter('120', now), 120_000)
  assert.equal(parseRetryAfter(new Date(now + day).toUTCString(), now), day)
  assert.equal(parseRetryAfter(new Date(now - day).toUTCString(), now), 0)
  for (const text of ['', 'soon', '-5', '1e3', '9'.repeat(30), undefined, 5])
    assert.equal(parseRetryAfter(text, now), undefined)
})

test('little is left when a quarter of the life is, or nothing was issued', () => {
  const life = { validFrom: 0, validTo: 100 * day }
  assert.equal(isShort(undefined, 0), true)
  assert.equal(isShort(life, 74 * day), false)
  assert.equal(isShort(life, 76 * day), true)
  assert.equal(isShort(life, 200 * day), true)
})
