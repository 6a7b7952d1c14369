// How long a server asks to be left alone: 'Greylisted for 300 seconds', 'please try again in 15 minutes', 'come back in
// 00:05:00'. No RFC has a form for it.
import type { Reply } from '../../smtp/reply.ts'

const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs

/** Who asks for less is asked again in a minute all the same; for more, he may have taken us for somebody else. */
const leastMs = minuteMs
const mostMs = 4 * hourMs

const units: Readonly<Record<string, number>> = {
  s: secondMs,
  sec: secondMs,
  secs: secondMs,
  second: secondMs,
  seconds: secondMs,
  m: minuteMs,
  min: minuteMs,
  mins: minuteMs,
  minute: minuteMs,
  minutes: minuteMs,
  h: hourMs,
  hr: hourMs,
  hrs: hourMs,
  hour: hourMs,
  hours: hourMs,
}

/** A time that stands behind one of these is one to wait; '100 messages in 60 minutes' is another thing. */
const requests: ReadonlySet<string> = new Set([
  'again',
  'retry',
  'retrying',
  'back',
  'wait',
  'resend',
  'greylisted',
  'greylisting',
  'graylisted',
  'delayed',
  'deferred',
])

/** What may stand between the request and the time: 'try again in about 5 minutes', 'come back after at least 300 s'. */
const maxWordsBetween = 5
const maxTextLength = 1000

/** Between a minute and four hours; undefined: it names no time, or refuses for good. */
export function askedWaitMs({ code, lines }: Reply): number | undefined {
  if (code >= 500) return undefined
  const words = lines
    .join(' ')
    .slice(0, maxTextLength)
    .toLowerCase()
    .split(' ')
    .filter(token => !token.includes('@') && !token.includes('://'))
    .flatMap(token => token.match(/\d+(?::\d+)*|[a-z]+/g) ?? [])
  for (const [index, word] of words.entries()) {
    if (!requests.has(word)) continue
    const behind = words.slice(index + 1, index + 1 + maxWordsBetween)
    for (const [at, amount] of behind.entries()) {
      const ms = readDuration(amount, words[index + 2 + at])
      if (ms !== undefined) return Math.min(Math.max(ms, leastMs), mostMs)
    }
  }
  return undefined
}

function readDuration(amount: string, unit: string | undefined): number | undefined {
  const clock = /^(\d{1,2}):(\d{2}):(\d{2})$/.exec(amount)
  if (clock) return Number(clock[1]) * hourMs + Number(clock[2]) * minuteMs + Number(clock[3]) * secondMs
  if (!/^\d{1,6}$/.test(amount) || unit === undefined) return undefined
  const unitMs = Object.hasOwn(units, unit) ? units[unit] : undefined
  return unitMs === undefined ? undefined : Number(amount) * unitMs
}
