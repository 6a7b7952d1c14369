// Goes through the days that are over and not reported yet. Where several servers share the queue, whoever comes first reports.

import type { Clock } from '../runtime/clock.ts'
import { hashText } from '../runtime/hash-text.ts'
import type { Storage } from '../storage/operation.ts'
import { type DayOfDomain, dayMs, dayOf } from './day.ts'
import type { ReportedDaysOperations } from './reported-days.ts'

export interface DueDaysOptions {
  readonly clock: Clock
  readonly storage: Storage
  readonly listUnreported: ReportedDaysOperations['listUnreported']
  readonly reportOn: (day: DayOfDomain) => Promise<void>
}

/** The last counts of a day are written within a minute of its end. */
const settleMs = 10 * 60_000
/** Not everybody at midnight (RFC 8460 §4.1). */
const spreadMs = 4 * 60 * 60_000
/** What a server that was down for longer has not reported, nobody wants to know any more. */
export const oldestDays = 3
/** What could not be reported so long after its day is given up. */
const giveUpMs = dayMs
const batch = 200

export async function reportOnDueDays({
  clock,
  storage,
  listUnreported,
  reportOn,
}: DueDaysOptions): Promise<void> {
  let after: DayOfDomain = { day: dayOf(clock.now()) - oldestDays, domain: '' }
  for (;;) {
    const days = await storage.run(listUnreported, {
      beforeDay: dayOf(clock.now() - settleMs),
      after,
      limit: batch,
    })
    for (const day of days) if (isDue(day, clock.now())) await reportOn(day)
    const last = days.at(-1)
    if (!last || days.length < batch) return
    after = last
  }
}

function isDue({ day, domain }: DayOfDomain, now: number): boolean {
  return now >= (day + 1) * dayMs + settleMs + (hashText(domain, day) % spreadMs)
}

/** What does not succeed now will not be tried again. */
export function isLastChance({ day }: DayOfDomain, now: number): boolean {
  return now > (day + 1) * dayMs + giveUpMs
}
