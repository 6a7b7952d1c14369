// What came of DMARC, day by day, and which days were reported on.
import type { Counted } from '../daily-report/daily-counts.ts'
import { type DayOfDomain, dayMs, dayOf } from '../daily-report/day.ts'
import { oldestDays } from '../daily-report/due-days.ts'
import { defineReportedDays } from '../daily-report/reported-days.ts'
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import type { DmarcOutcome } from './dmarc-outcome.ts'
import { receivedDmarcOperations } from './received-reports.ts'

export const dmarcReportedDays = defineReportedDays('dmarc-report')

/** Strangers make up names and addresses: what is kept of a day is bounded. What goes beyond is counted, and not listed. */
const maxDomainsOfDay = 20_000
const maxOutcomesOfDay = 100_000
export const maxOutcomesOfDomain = 5000

type DmarcCounts = readonly Counted<DmarcOutcome>[]

export const addDmarcCounts = defineWrite(
  'dmarc-report.count',
  async (tx, counts: DmarcCounts): Promise<void> => {
    const rooms = new Map<number, Room>()
    for (const count of counts) {
      const room = rooms.get(count.day) ?? (await findRoom(tx, count.day))
      rooms.set(count.day, room)
      await addCount(tx, count, room)
    }
  },
)

/** What is still free of a day. */
interface Room {
  domains: number
  outcomes: number
}

async function findRoom(tx: Tx, day: number): Promise<Room> {
  const row = await tx.get<{ domains: number; outcomes: number }>(
    'SELECT count(*) AS domains, CAST(COALESCE(sum(outcomes), 0) AS BIGINT) AS outcomes FROM dmarc_day WHERE day = ?',
    day,
  )
  return {
    domains: maxDomainsOfDay - (row?.domains ?? 0),
    outcomes: maxOutcomesOfDay - (row?.outcomes ?? 0),
  }
}

async function addCount(
  tx: Tx,
  { key, day, domain, outcome, times }: Counted<DmarcOutcome>,
  room: Room,
): Promise<void> {
  const failed = outcome.dkim === 'fail' && outcome.spf === 'fail' ? times : 0
  const known = await tx.get<{ outcomes: number }>(
    'SELECT outcomes FROM dmarc_day WHERE day = ? AND domain = ?',
    day,
    domain,
  )
  if (!known && room.domains <= 0) return
  if (!known) room.domains--
  await tx.run(
    `INSERT INTO dmarc_day (day, domain, outcomes, messages, listed, failed) VALUES (?, ?, 0, ?, 0, ?)
       ON CONFLICT (day, domain) DO UPDATE SET messages = dmarc_day.messages + excluded.messages,
         failed = dmarc_day.failed + excluded.failed`,
    day,
    domain,
    times,
    failed,
  )
  const { changes } = await tx.run(
    'UPDATE dmarc_result SET messages = messages + ? WHERE key = ?',
    times,
    key,
  )
  if (changes === 0 && ((known?.outcomes ?? 0) >= maxOutcomesOfDomain || room.outcomes <= 0)) return
  if (changes === 0) {
    room.outcomes--
    await tx.run(
      `INSERT INTO dmarc_result (key, day, domain, outcome, messages) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET messages = dmarc_result.messages + excluded.messages`,
      key,
      day,
      domain,
      JSON.stringify(outcome),
      times,
    )
  }
  await tx.run(
    'UPDATE dmarc_day SET outcomes = outcomes + ?, listed = listed + ? WHERE day = ? AND domain = ?',
    changes === 0 ? 1 : 0,
    times,
    day,
    domain,
  )
}

export interface DmarcCount {
  readonly outcome: DmarcOutcome
  readonly messages: number
}

export interface DmarcDay extends DayOfDomain {
  readonly messages: number
  /** Which neither DKIM nor SPF proved. */
  readonly failed: number
  /** How many of the messages have an outcome that is kept. */
  readonly listed: number
  /** Where the report went; undefined: it is not due yet. */
  readonly targets?: readonly string[] | undefined
}

interface DayRow {
  readonly day: number
  readonly domain: string
  readonly messages: number
  readonly failed: number
  readonly listed: number
  readonly targets: string | null
}

const selectDays = `SELECT dmarc_day.day, dmarc_day.domain, messages, failed, listed, targets FROM dmarc_day
  LEFT JOIN dmarc_report_sent ON dmarc_report_sent.day = dmarc_day.day AND dmarc_report_sent.domain = dmarc_day.domain`

function readDay({ targets, ...day }: DayRow): DmarcDay {
  return {
    ...day,
    ...(targets === null ? {} : { targets: targets.split(' ').filter(target => target !== '') }),
  }
}

/** The newest day first, and of a day the domain with the most messages. */
export const listDmarcDays = defineRead(
  'dmarc-report.days',
  async (tx, input: { readonly sinceDay: number; readonly limit: number }): Promise<DmarcDay[]> => {
    const rows = await tx.all<DayRow>(
      `${selectDays} WHERE dmarc_day.day >= ? ORDER BY dmarc_day.day DESC, messages DESC, dmarc_day.domain LIMIT ?`,
      input.sinceDay,
      input.limit,
    )
    return rows.map(readDay)
  },
)

export interface DmarcCountsOfDay {
  readonly day: DmarcDay
  readonly counts: readonly DmarcCount[]
}

/** undefined: there are none. */
export const dmarcCountsOfDay = defineRead(
  'dmarc-report.of-day',
  async (tx, { day, domain }: DayOfDomain): Promise<DmarcCountsOfDay | undefined> => {
    const row = await tx.get<DayRow>(
      `${selectDays} WHERE dmarc_day.day = ? AND dmarc_day.domain = ?`,
      day,
      domain,
    )
    if (!row) return undefined
    const rows = await tx.all<{ outcome: string; messages: number }>(
      'SELECT outcome, messages FROM dmarc_result WHERE day = ? AND domain = ? ORDER BY key LIMIT ?',
      day,
      domain,
      maxOutcomesOfDomain,
    )
    return {
      day: readDay(row),
      counts: rows.map(({ outcome, messages }) => ({
        messages,
        outcome: JSON.parse(outcome) as DmarcOutcome,
      })),
    }
  },
)

/** Forgets what is older than `before`, and outcomes of days that nobody reports on any more. */
export const expireDmarcReports = defineWrite(
  'dmarc-report.expire',
  async (tx, input: { readonly now: number; readonly before: number }): Promise<void> => {
    const day = dayOf(input.before)
    await tx.run('DELETE FROM dmarc_result WHERE day < ?', dayOf(input.now - (oldestDays + 1) * dayMs))
    await tx.run('DELETE FROM dmarc_day WHERE day < ?', day)
    await tx.run('DELETE FROM dmarc_report_sent WHERE day < ?', day)
  },
)

export const dmarcReportOperations = [
  addDmarcCounts,
  listDmarcDays,
  dmarcCountsOfDay,
  expireDmarcReports,
  ...receivedDmarcOperations,
  ...Object.values(dmarcReportedDays),
] as const
