// Times as people write them: '2026-01-31 14:05', 'yesterday', '2 h', '3 days ago'; in local time, as times are shown. And as logs and
// mail have them, which name their zone.
import { findDate } from '../sieve/message/dates.ts'

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
}

export const timeForms =
  'A time is written as 2026-01-31, "2026-01-31 14:05", 14:05 (today), yesterday, today, or how long ago: 30min, 2h, "3 days"; with a zone as logs and mail have it: 2026-01-31T14:05:00+03:00, "Sat, 31 Jan 2026 14:05:00 +0300".'

/** ms since 1970; undefined: it is no time. `edge`: which end of the day, minute or second that is named. */
export function parseTime(text: string, now: number, edge: 'start' | 'end' = 'start'): number | undefined {
  const plain = text.trim().toLowerCase()
  if (plain === 'now') return now
  if (plain === 'today') return edgeOfDay(now, 0, edge)
  if (plain === 'yesterday') return edgeOfDay(now, -1, edge)
  return (
    parseDuration(plain, now) ??
    parseDate(plain, edge) ??
    parseClock(plain, now, edge) ??
    parseMailDate(plain, edge)
  )
}

/** '2h', '3 days': ms; undefined: it is none. */
export function parseAge(text: string): number | undefined {
  const [, number, unit = ''] = /^([0-9]{1,6})\s*([a-z]+)$/.exec(text.trim().toLowerCase()) ?? []
  const ms = unitMs[unit] ?? unitMs[unit.replace(/s$/, '')]
  return number === undefined || ms === undefined ? undefined : Number(number) * ms
}

function parseDuration(text: string, now: number): number | undefined {
  const age = parseAge(text.replace(/\s+ago$/, ''))
  return age === undefined ? undefined : now - age
}

function parseDate(text: string, edge: 'start' | 'end'): number | undefined {
  const found =
    /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[t ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?(z| ?[+-][0-9]{2}:?[0-9]{2})?)?$/.exec(
      text,
    )
  if (!found) return undefined
  const zone = found[7]?.trim()
  const [year = 0, month = 0, day = 0, hour, minute = 0, second] = found
    .slice(1, 7)
    .map(part => (part === undefined ? undefined : Number(part)))
  const parts = [year, month - 1, day, hour ?? 0, minute, second ?? 0] as const
  const at = zone === undefined ? new Date(...parts) : new Date(Date.UTC(...parts))
  // '2026-02-31' is no day, and JavaScript would take it for one in March.
  const isReal = zone === undefined ? at.getDate() === day : at.getUTCDate() === day
  if (!isReal || month > 12 || (hour ?? 0) > 23 || minute > 59 || (second ?? 0) > 59) return undefined
  return hour === undefined
    ? edgeOfDay(at.getTime(), 0, edge)
    : edgeOf(at.getTime() - offsetMs(zone), second, edge)
}

/** 'z', '+03:00' */
function offsetMs(zone = 'z'): number {
  if (zone === 'z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}

function parseClock(text: string, now: number, edge: 'start' | 'end'): number | undefined {
  const [, hour, minute, second] = /^([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?$/.exec(text) ?? []
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second ?? 0) > 59)
    return undefined
  const day = new Date(now).setHours(Number(hour), Number(minute), Number(second ?? 0), 0)
  return edgeOf(day, second, edge)
}

/** RFC 5322 §3.3, as in the Date and Received fields of a message, and in reports. */
function parseMailDate(text: string, edge: 'start' | 'end'): number | undefined {
  const date = findDate(text)
  return date && edgeOf(date.ms, 0, edge)
}

/** Times are shown without what is less than a second. `second`: undefined where only the minute is named. */
function edgeOf(at: number, second: number | string | undefined, edge: 'start' | 'end'): number {
  return edge === 'start' ? at : at + (second === undefined ? 60_000 : 1000) - 1
}

function edgeOfDay(at: number, days: number, edge: 'start' | 'end'): number {
  const date = new Date(at)
  const after = edge === 'end' ? 1 : 0
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days + after).getTime() - after
}
