// Times as people write them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAge, parseTime } from '../../src/cli/parse-time.ts'

const now = new Date(2026, 0, 31, 14, 5, 9).getTime()
const local = (year: number, month: number, day: number, hours = 0, minutes = 0): number =>
  new Date(year, month, day, hours, minutes).getTime()
const hour = 3_600_000
const inUtc = Date.UTC(2026, 0, 15, 8, 30, 7)

for (const [text, start, end] of [
  ['now', now, now],
  ['2h', now - 2 * hour, now - 2 * hour],
  ['30 min', now - hour / 2, now - hour / 2],
  ['3 days ago', now - 72 * hour, now - 72 * hour],
  ['1 week', now - 168 * hour, now - 168 * hour],
  ['08:30', local(2026, 0, 31, 8, 30), local(2026, 0, 31, 8, 31) - 1],
  ['08:30:07', local(2026, 0, 31, 8, 30) + 7000, local(2026, 0, 31, 8, 30) + 7999],
  ['2026-01-15 08:30', local(2026, 0, 15, 8, 30), local(2026, 0, 15, 8, 31) - 1],
  ['2026-01-15 08:30:00', local(2026, 0, 15, 8, 30), local(2026, 0, 15, 8, 30) + 999],
  ['2026-01-15T08:30:07Z', inUtc, inUtc + 999],
  ['2026-01-15T08:30:07.123Z', inUtc, inUtc + 999],
  ['2026-01-15T11:30:07+03:00', inUtc, inUtc + 999],
  ['2026-01-15 03:00:07 -0530', inUtc, inUtc + 999],
  ['Thu, 15 Jan 2026 11:30:07 +0300', inUtc, inUtc + 999],
  ['15 Jan 2026 08:30:07 GMT', inUtc, inUtc + 999],
  ['2026-01-15', local(2026, 0, 15), local(2026, 0, 16) - 1],
  ['today', local(2026, 0, 31), local(2026, 1, 1) - 1],
  ['Yesterday', local(2026, 0, 30), local(2026, 0, 31) - 1],
] as const) {
  test(`"${text}"`, () => {
    assert.equal(parseTime(text, now, 'start'), start)
    assert.equal(parseTime(text, now, 'end'), end)
  })
}

for (const text of [
  '',
  'soon',
  '2026-02-31',
  '2026-13-01',
  '25:00',
  '08:30:60',
  '5',
  'Sat, 31 Feb 2026 08:30:00 +0000',
  '5 parsecs',
  '2026-01-01 24:30',
])
  test(`"${text}" is no time`, () => {
    assert.equal(parseTime(text, now), undefined)
  })

test('an age is a number with a unit', () => {
  assert.equal(parseAge('4h'), 4 * hour)
  assert.equal(parseAge('3 days'), 72 * hour)
  assert.equal(parseAge('4'), undefined)
  assert.equal(parseAge('h'), undefined)
})
