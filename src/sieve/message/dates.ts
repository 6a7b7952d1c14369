// Dates in fields (RFC 5322 §3.3, §4.3), and the parts of a date that scripts ask for (RFC 5260 §4.2).

import { removeComments } from '../../message/comments.ts'
import { formatDate } from '../../message/format-date.ts'

export interface WrittenDate {
  readonly ms: number
  readonly offsetMinutes: number
}

/** A time, and the zone that it is told in. */
export interface Moment {
  /** As if the zone were UTC. */
  readonly local: Date
  readonly ms: number
  readonly offsetMinutes: number
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
// The weekday in front is not looked at.
const written =
  /(?:^|[\s,])(\d{1,2})\s+([A-Za-z]{3})\s+(\d{2,4})\s+(\d{1,2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2}))?\s+([+-]\d{4}|[A-Za-z]{1,5})\s*$/
const namedZones: Readonly<Record<string, number>> = {
  ut: 0,
  gmt: 0,
  est: -300,
  edt: -240,
  cst: -360,
  cdt: -300,
  mst: -420,
  mdt: -360,
  pst: -480,
  pdt: -420,
}
/** A field with more has no date, or what is before it does not matter. */
const maxLength = 200

/** The whole value, or what stands behind its last semicolon, as in Received. undefined: no date of the calendar. */
export function findDate(value: string): WrittenDate | undefined {
  const text = removeComments(value.slice(value.lastIndexOf(';') + 1)).trim()
  if (text.length > maxLength) return undefined
  const [, dayText = '', monthText = '', yearText = '', hour = '', minute = '', second = '0', zone = ''] =
    written.exec(text) ?? []
  const month = months.indexOf(monthText.toLowerCase())
  const offsetMinutes = readZone(zone)
  if (month < 0 || offsetMinutes === undefined) return undefined
  const year = readYear(yearText)
  const day = Number(dayText)
  const ms = Date.UTC(year, month, day, Number(hour), Number(minute), Number(second))
  const isInCalendar = day >= 1 && new Date(Date.UTC(year, month, day)).getUTCMonth() === month
  if (!isInCalendar || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  return { ms: ms - offsetMinutes * 60_000, offsetMinutes }
}

/** RFC 5322 §4.3: years of two and three digits are old. */
function readYear(text: string): number {
  const year = Number(text)
  if (text.length === 2) return year < 50 ? 2000 + year : 1900 + year
  return text.length === 3 ? 1900 + year : year
}

/** RFC 5322 §4.3: a name that nobody knows says nothing of the zone: -0000. */
function readZone(text: string): number | undefined {
  if (text === '') return undefined
  if (!/^[+-]/.test(text)) return namedZones[text.toLowerCase()] ?? 0
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(3))
  return text.startsWith('-') ? -minutes : minutes
}

export function momentAt(ms: number, offsetMinutes: number): Moment {
  return { local: new Date(ms + offsetMinutes * 60_000), ms, offsetMinutes }
}

/** `timeZone`: 'Europe/Moscow'; one that nobody knows is UTC. */
export function zoneOffsetAt(ms: number, timeZone: string): number {
  if (timeZone === 'UTC') return 0
  try {
    const parts = offsetFormat(timeZone).formatToParts(ms)
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const [, sign, hours, minutes] = /^GMT([+-])(\d\d):(\d\d)/.exec(name) ?? []
    return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0))
  } catch {
    // The name is of the settings, which check it; a rule about a date is no reason not to deliver.
    return 0
  }
}

let lastFormat: { readonly timeZone: string; readonly format: Intl.DateTimeFormat } | undefined

/** A server has one time zone, and making a format takes longer than all else that a test for a date does. */
function offsetFormat(timeZone: string): Intl.DateTimeFormat {
  if (lastFormat?.timeZone !== timeZone) {
    const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    lastFormat = { timeZone, format }
  }
  return lastFormat.format
}

/** undefined: there is no such part. */
export function readDatePart(moment: Moment, part: string): string | undefined {
  const { local, ms } = moment
  const iso = local.toISOString()
  switch (part) {
    case 'year':
      return iso.slice(0, 4)
    case 'month':
      return iso.slice(5, 7)
    case 'day':
      return iso.slice(8, 10)
    case 'date':
      return iso.slice(0, 10)
    case 'julian':
      // The days since 1858-11-17, in the zone that is asked for.
      return String(Math.floor(local.getTime() / 86_400_000) + 40_587)
    case 'hour':
      return iso.slice(11, 13)
    case 'minute':
      return iso.slice(14, 16)
    case 'second':
      return iso.slice(17, 19)
    case 'time':
      return iso.slice(11, 19)
    case 'iso8601':
      return `${iso.slice(0, 19)}${isoZone(moment)}`
    case 'std11':
      return formatDate(ms + moment.offsetMinutes * 60_000).replace('+0000', zoneText(moment))
    case 'zone':
      return zoneText(moment)
    case 'weekday':
      return String(local.getUTCDay())
    default:
      return undefined
  }
}

function zoneText({ offsetMinutes }: Moment): string {
  const minutes = Math.abs(offsetMinutes)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`
}

function isoZone(moment: Moment): string {
  const text = zoneText(moment)
  return moment.offsetMinutes === 0 ? 'Z' : `${text.slice(0, 3)}:${text.slice(3)}`
}
