// Dates of commands and responses (RFC 9051 §9): '1-Feb-2026', and '" 1-Feb-2026 12:00:00 +0300"'.
import type { Cursor } from './cursor.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const dayPattern = /^([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})$/
const dateTimePattern =
  /^([ 0-9][0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})$/

/** A day of the calendar, wherever that is: its midnight in UTC, ms since 1970. */
export function parseDay(cursor: Cursor): number {
  const text = cursor.sees('"') ? cursor.text('a date') : cursor.atom('a date as 1-Feb-2026')
  const [, day = '', month = '', year = ''] = dayPattern.exec(text) ?? []
  const at = midnight(day, month, year)
  if (at === undefined) cursor.expect('a date as 1-Feb-2026 before this')
  return at ?? 0
}

/** ms since 1970 */
export function parseDateTime(cursor: Cursor): number {
  const [, day = '', month = '', year = '', hour, minute, second, sign, zoneHour, zoneMinute] =
    dateTimePattern.exec(cursor.text('a date and time')) ?? []
  const at = midnight(day, month, year)
  const [hours, minutes, seconds] = [Number(hour), Number(minute), Number(second)]
  // 60 is a leap second (RFC 3339 §5.7), which the next minute begins with.
  if (at === undefined || hours > 23 || minutes > 59 || seconds > 60 || Number(zoneMinute) > 59) {
    cursor.expect('a date and time as "01-Feb-2026 12:00:00 +0300" before this')
    return 0
  }
  const zoneMs = (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000
  return at + ((hours * 60 + minutes) * 60 + seconds) * 1000 - (sign === '-' ? -zoneMs : zoneMs)
}

function midnight(day: string, month: string, year: string): number | undefined {
  const monthIndex = months.findIndex(name => name.toLowerCase() === month.toLowerCase())
  if (monthIndex < 0) return undefined
  const date = new Date(0)
  // Not Date.UTC, for which the year 26 is 1926.
  date.setUTCFullYear(Number(year), monthIndex, Number(day))
  return date.getUTCDate() === Number(day) && date.getUTCMonth() === monthIndex ? date.getTime() : undefined
}

/** '01-Feb-2026 09:00:00 +0000': in UTC, between its quotes. */
export function formatDateTime(at: number): string {
  const date = new Date(at)
  const time = date.toISOString().slice(-13, -5)
  return `${formatDay(at)} ${time} +0000`
}

/** '01-Feb-2026' */
export function formatDay(at: number): string {
  const date = new Date(at)
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  return `${String(date.getUTCDate()).padStart(2, '0')}-${months[date.getUTCMonth()] ?? ''}-${year}`
}
