// Times as people write them: '2026-01-31 14:05', 'yesterday', '2 h', '3 days ago'; in local time, as times are shown.

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
  'A time is written as 2026-01-31, "2026-01-31 14:05", 14:05 (today), yesterday, today, or how long ago: 30min, 2h, "3 days".'

/** ms since 1970; undefined: it is no time. `edge`: which end of a day that is named without a time of day. */
export function parseTime(text: string, now: number, edge: 'start' | 'end' = 'start'): number | undefined {
  const plain = text.trim().toLowerCase()
  if (plain === 'now') return now
  if (plain === 'today') return edgeOfDay(now, 0, edge)
  if (plain === 'yesterday') return edgeOfDay(now, -1, edge)
  return parseDuration(plain, now) ?? parseDate(plain, edge) ?? parseClock(plain, now)
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
    /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[t ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?(z)?)?$/.exec(
      text,
    )
  if (!found) return undefined
  const [year = 0, month = 0, day = 0, hour, minute = 0, second = 0] = found
    .slice(1, 7)
    .map(part => (part === undefined ? undefined : Number(part)))
  const at =
    found[7] === undefined
      ? new Date(year, month - 1, day, hour ?? 0, minute, second)
      : new Date(Date.UTC(year, month - 1, day, hour ?? 0, minute, second))
  // '2026-02-31' is no day, and JavaScript would take it for one in March.
  const isReal = found[7] === undefined ? at.getDate() === day : at.getUTCDate() === day
  if (!isReal || month > 12 || (hour ?? 0) > 23 || minute > 59 || second > 59) return undefined
  return hour === undefined ? edgeOfDay(at.getTime(), 0, edge) : at.getTime()
}

function parseClock(text: string, now: number): number | undefined {
  const [, hour, minute] = /^([0-9]{1,2}):([0-9]{2})$/.exec(text) ?? []
  if (hour === undefined || minute === undefined || Number(hour) > 23 || Number(minute) > 59) return undefined
  const day = new Date(now)
  return new Date(day.getFullYear(), day.getMonth(), day.getDate(), Number(hour), Number(minute)).getTime()
}

function edgeOfDay(at: number, days: number, edge: 'start' | 'end'): number {
  const date = new Date(at)
  const after = edge === 'end' ? 1 : 0
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days + after).getTime() - after
}
