// What came of TLS, day by day; which days were reported on; and what others reported to us.

import { type DayOfDomain, dayMs, dayOf } from '../daily-report/day.ts'
import { defineReportedDays } from '../daily-report/reported-days.ts'
import { defineRead, defineWrite } from '../storage/operation.ts'
import type { ReceivedTlsReport } from './report-json.ts'
import type { TlsOutcome } from './tls-outcome.ts'

export interface TlsCount {
  readonly day: number
  readonly domain: string
  readonly outcome: TlsOutcome
  readonly sessions: number
}

export interface KeyedTlsCount extends TlsCount {
  /** The same for the same day, domain and outcome. */
  readonly key: string
}

interface CountRow {
  readonly day: number
  readonly domain: string
  readonly outcome: string
  readonly sessions: number
}

function readCount({ day, domain, outcome, sessions }: CountRow): TlsCount {
  return { day, domain, sessions, outcome: JSON.parse(outcome) as TlsOutcome }
}

export const addTlsCounts = defineWrite(
  'tls-report.count',
  async (tx, counts: readonly KeyedTlsCount[]): Promise<void> => {
    for (const { key, day, domain, outcome, sessions } of counts) {
      await tx.run(
        `INSERT INTO tls_result (key, day, domain, outcome, failed, sessions) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (key) DO UPDATE SET sessions = tls_result.sessions + excluded.sessions`,
        key,
        day,
        domain,
        JSON.stringify(outcome),
        outcome.failure === undefined ? 0 : 1,
        sessions,
      )
    }
  },
)

/** The newest day first. */
export const listTlsCounts = defineRead(
  'tls-report.counts',
  async (tx, input: { readonly sinceDay: number; readonly limit: number }): Promise<TlsCount[]> => {
    const rows = await tx.all<CountRow>(
      `SELECT day, domain, outcome, sessions FROM tls_result WHERE day >= ?
        ORDER BY day DESC, domain, failed, key LIMIT ?`,
      input.sinceDay,
      input.limit,
    )
    return rows.map(readCount)
  },
)

export const tlsReportedDays = defineReportedDays('tls-report')

const maxCountsInReport = 1000

export const tlsCountsOfDay = defineRead(
  'tls-report.of-day',
  async (tx, { day, domain }: DayOfDomain): Promise<TlsCount[]> => {
    const rows = await tx.all<CountRow>(
      'SELECT day, domain, outcome, sessions FROM tls_result WHERE day = ? AND domain = ? ORDER BY key LIMIT ?',
      day,
      domain,
      maxCountsInReport,
    )
    return rows.map(readCount)
  },
)

/** Anybody can send reports: no more than these are kept of a day. */
const maxReceivedADay = 1000

export interface NewReceivedReport {
  readonly key: string
  readonly at: number
  readonly report: ReceivedTlsReport
}

/** One that came before is kept once. */
export const keepReceivedReport = defineWrite(
  'tls-report.received',
  async (tx, { key, at, report }: NewReceivedReport): Promise<'kept' | 'too-many'> => {
    const row = await tx.get<{ count: number }>(
      'SELECT count(*) AS count FROM tls_report_received WHERE received_at > ?',
      at - dayMs,
    )
    if ((row?.count ?? 0) >= maxReceivedADay) return 'too-many'
    await tx.run(
      'INSERT INTO tls_report_received (key, received_at, report) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING',
      key,
      at,
      JSON.stringify(report),
    )
    return 'kept'
  },
)

export interface KeptTlsReport {
  readonly receivedAt: number
  readonly report: ReceivedTlsReport
}

/** The newest first. */
export const listReceivedReports = defineRead(
  'tls-report.list-received',
  async (tx, input: { readonly since: number; readonly limit: number }): Promise<KeptTlsReport[]> => {
    const rows = await tx.all<{ received_at: number; report: string }>(
      'SELECT received_at, report FROM tls_report_received WHERE received_at >= ? ORDER BY received_at DESC, key LIMIT ?',
      input.since,
      input.limit,
    )
    return rows.map(row => ({
      receivedAt: row.received_at,
      report: JSON.parse(row.report) as ReceivedTlsReport,
    }))
  },
)

/** Forgets what is older than `before`. */
export const expireTlsReports = defineWrite(
  'tls-report.expire',
  async (tx, input: { readonly before: number }): Promise<void> => {
    const day = dayOf(input.before)
    await tx.run('DELETE FROM tls_result WHERE day < ?', day)
    await tx.run('DELETE FROM tls_report_sent WHERE day < ?', day)
    await tx.run('DELETE FROM tls_report_received WHERE received_at < ?', input.before)
  },
)

export const tlsReportOperations = [
  addTlsCounts,
  listTlsCounts,
  tlsCountsOfDay,
  ...Object.values(tlsReportedDays),
  keepReceivedReport,
  listReceivedReports,
  expireTlsReports,
] as const
