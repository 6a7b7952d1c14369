// `date` and `currentdate` (RFC 5260 §4, §5).

import { checkConstants } from '../language/arguments.ts'
import type { Call, CallChecker, TagDefinition, TestDefinition } from '../language/definitions.ts'
import { checkMatch, matchAny, matchTags } from '../match/match-arguments.ts'
import { checkIndex, indexTags } from '../message/address-parts.ts'
import { findDate, type Moment, momentAt, readDatePart, zoneOffsetAt } from '../message/dates.ts'
import type { Run } from '../run.ts'
import { ScriptError } from '../script-error.ts'
import { chosenValues } from './header-tests.ts'

const dateParts = [
  'year',
  'month',
  'day',
  'date',
  'julian',
  'hour',
  'minute',
  'second',
  'time',
  'iso8601',
  'std11',
  'zone',
  'weekday',
]

const zoneTags: Readonly<Record<string, TagDefinition>> = { zone: { group: 'zone', value: 'string' } }
const zonePattern = /^([+-])(\d\d)([0-5]\d)$/

function checkDate(call: Call, partIndex: number, checker: CallChecker): void {
  checkMatch(call, call.arguments[partIndex + 1], checker)
  checkIndex(call, checker)
  checkConstants(call.tags.get('zone'), checker, text => (zonePattern.test(text) ? undefined : badZone(text)))
  checkConstants(call.arguments[partIndex], checker, name =>
    dateParts.includes(name.toLowerCase())
      ? undefined
      : `A date has no part ${JSON.stringify(name.slice(0, 40))}: it has ${dateParts.join(', ')}.`,
  )
}

function badZone(text: string): string {
  return `${JSON.stringify(text.slice(0, 40))} is no time zone: write its distance from UTC, as in "+0300".`
}

/** In minutes; undefined: the script names none. */
function writtenZone(call: Call, run: Run): number | undefined {
  const zone = call.tags.get('zone')
  if (zone === undefined) return undefined
  const text = run.string(zone)
  const [, sign, hours, minutes] = zonePattern.exec(text) ?? []
  if (sign === undefined) throw new ScriptError(call, badZone(text))
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}

function matchDate(call: Call, run: Run, moment: Moment | undefined, partIndex: number): boolean {
  const name = run.string(call.arguments[partIndex]).toLowerCase()
  const value = moment && readDatePart(moment, name)
  return matchAny(call, run, value === undefined ? [] : [value], run.strings(call.arguments[partIndex + 1]))
}

const date: TestDefinition = {
  name: 'date',
  extensions: ['date'],
  tags: { ...matchTags, ...indexTags, ...zoneTags, originalzone: { group: 'zone' } },
  parameters: [
    { name: 'the name of a field', kind: 'string' },
    { name: 'a part of a date', kind: 'string' },
    { name: 'what is sought', kind: 'string-list' },
  ],
  check: (call, checker) => checkDate(call, 1, checker),
  evaluate(call, run) {
    const zone = writtenZone(call, run)
    const [value] = chosenValues(call, call.arguments[0], run)
    const found = value === undefined ? undefined : findDate(value)
    if (!found) return matchDate(call, run, undefined, 1)
    const offset = call.tags.has('originalzone')
      ? found.offsetMinutes
      : (zone ?? zoneOffsetAt(found.ms, run.circumstances.timeZone))
    return matchDate(call, run, momentAt(found.ms, offset), 1)
  },
}

const currentdate: TestDefinition = {
  name: 'currentdate',
  extensions: ['date'],
  tags: { ...matchTags, ...zoneTags },
  parameters: [
    { name: 'a part of a date', kind: 'string' },
    { name: 'what is sought', kind: 'string-list' },
  ],
  check: (call, checker) => checkDate(call, 0, checker),
  evaluate(call, run) {
    const { nowMs, timeZone } = run.circumstances
    return matchDate(call, run, momentAt(nowMs, writtenZone(call, run) ?? zoneOffsetAt(nowMs, timeZone)), 0)
  },
}

export const dateTests: readonly TestDefinition[] = [date, currentdate]
