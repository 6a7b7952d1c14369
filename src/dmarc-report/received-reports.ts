// What others report on mail in the name of our domains, as the database keeps it.
import { dayMs } from '../daily-report/day.ts'
import type { QueueId } from '../queue/queue-id.ts'
import { defineRead, defineWrite } from '../storage/operation.ts'
import type { ReceivedDmarcReport, ReceivedSource } from './parse-report.ts'

/** Anybody can send reports: no more than these are kept of a day. */
const maxReportsOfDay = 1000
const maxSourcesOfDay = 100_000

export interface JudgedSource extends ReceivedSource {
  /** It is an address of this server. */
  readonly isOwn: boolean
}

export interface NewDmarcReport extends Omit<ReceivedDmarcReport, 'sources'> {
  /** The same for the same report. */
  readonly key: string
  readonly receivedAt: number
  readonly queueId: QueueId
  /** The domain of the author of the mail that brought it, where DMARC proved that; '' where it did not. */
  readonly proven: string
  readonly sources: readonly JudgedSource[]
}

export interface UnreadReport extends Pick<NewDmarcReport, 'key' | 'receivedAt' | 'queueId' | 'proven'> {
  readonly problem: string
}

const insertReport = `INSERT INTO dmarc_report_received
  (key, received_at, queue_id, problem, proven, organization, contact, report_id, domain, policy, begin_at, end_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING`

/** One that came before is kept once. */
export const keepDmarcReport = defineWrite(
  'dmarc-report.received',
  async (tx, input: NewDmarcReport | UnreadReport): Promise<'kept' | 'known' | 'too-many'> => {
    const { key, receivedAt, queueId, proven } = input
    const since = receivedAt - dayMs
    const row = await tx.get<{ reports: number; sources: number }>(
      `SELECT (SELECT count(*) FROM dmarc_report_received WHERE received_at > ?) AS reports,
         (SELECT count(*) FROM dmarc_source JOIN dmarc_report_received ON key = report_key WHERE received_at > ?) AS sources`,
      since,
      since,
    )
    if (row && (row.reports >= maxReportsOfDay || row.sources >= maxSourcesOfDay)) return 'too-many'
    const [problem, report] = 'problem' in input ? [input.problem, noReport] : ['', input]
    const { organization, contact, reportId, domain, policy, beginAt, endAt, sources } = report
    const { changes } = await tx.run(
      insertReport,
      key,
      receivedAt,
      queueId,
      problem,
      proven,
      organization,
      contact,
      reportId,
      domain,
      policy,
      beginAt,
      endAt,
    )
    if (changes === 0) return 'known'
    for (const [number, source] of sources.entries()) {
      await tx.run(
        `INSERT INTO dmarc_source
           (report_key, number, source, own, header_from, sender, disposition, dkim, spf, messages)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        key,
        number,
        source.address,
        source.isOwn ? 1 : 0,
        source.headerFrom,
        source.sender,
        source.disposition,
        source.dkim ? 1 : 0,
        source.spf ? 1 : 0,
        source.messages,
      )
    }
    return 'kept'
  },
)

const noReport = {
  organization: '',
  contact: '',
  reportId: '',
  domain: '',
  policy: '',
  beginAt: 0,
  endAt: 0,
  sources: [],
} as const

export interface ShownDmarcReport
  extends Omit<NewDmarcReport, 'key' | 'sources'>,
    Pick<UnreadReport, 'problem'> {
  readonly messages: number
  /** Which neither DKIM nor SPF proved. */
  readonly failed: number
}

interface ReportRow {
  readonly received_at: number
  readonly queue_id: QueueId
  readonly problem: string
  readonly proven: string
  readonly organization: string
  readonly contact: string
  readonly report_id: string
  readonly domain: string
  readonly policy: string
  readonly begin_at: number
  readonly end_at: number
  readonly messages: number
  readonly failed: number
}

export interface Period {
  /** ms since 1970. */
  readonly since: number
  readonly limit: number
}

const failedMessages =
  'CAST(COALESCE(sum(CASE WHEN dkim = 0 AND spf = 0 THEN messages ELSE 0 END), 0) AS BIGINT)'
const allMessages = 'CAST(COALESCE(sum(messages), 0) AS BIGINT)'

/** The newest first. */
export const listDmarcReports = defineRead(
  'dmarc-report.list-received',
  async (tx, { since, limit }: Period): Promise<ShownDmarcReport[]> => {
    const rows = await tx.all<ReportRow>(
      `SELECT received_at, queue_id, problem, proven, organization, contact, report_id, domain, policy, begin_at, end_at,
         (SELECT ${allMessages} FROM dmarc_source WHERE report_key = key) AS messages,
         (SELECT ${failedMessages} FROM dmarc_source WHERE report_key = key) AS failed
         FROM dmarc_report_received WHERE received_at >= ? ORDER BY received_at DESC, key LIMIT ?`,
      since,
      limit,
    )
    return rows.map(row => ({
      receivedAt: row.received_at,
      queueId: row.queue_id,
      problem: row.problem,
      proven: row.proven,
      organization: row.organization,
      contact: row.contact,
      reportId: row.report_id,
      domain: row.domain,
      policy: row.policy,
      beginAt: row.begin_at,
      endAt: row.end_at,
      messages: row.messages,
      failed: row.failed,
    }))
  },
)

/** What all reports of a time say of one address that sends in the name of a domain. */
export interface ShownSource {
  /** As the From field had it. */
  readonly domain: string
  /** '' stands for those that are too many to be kept. */
  readonly address: string
  readonly isOwn: boolean
  /** The domain that SPF was asked about: whose sending service it is, often. */
  readonly sender: string
  readonly messages: number
  /** Which neither DKIM nor SPF proved. */
  readonly failed: number
  readonly dkimFailed: number
  readonly spfFailed: number
  /** What was done with them. */
  readonly quarantined: number
  readonly rejected: number
  readonly reports: number
}

interface SourceRow {
  readonly header_from: string
  readonly source: string
  readonly own: number
  readonly sender: string
  readonly messages: number
  readonly failed: number
  readonly dkim_failed: number
  readonly spf_failed: number
  readonly quarantined: number
  readonly rejected: number
  readonly reports: number
}

/** Those with the most messages that failed first. */
export const listDmarcSources = defineRead(
  'dmarc-report.sources',
  async (
    tx,
    { since, limit, domain = '' }: Period & { readonly domain?: string | undefined },
  ): Promise<ShownSource[]> => {
    const sumOf = (condition: string): string =>
      `CAST(sum(CASE WHEN ${condition} THEN messages ELSE 0 END) AS BIGINT)`
    const rows = await tx.all<SourceRow>(
      `SELECT header_from, source, max(own) AS own, sender, ${allMessages} AS messages, ${failedMessages} AS failed,
         ${sumOf('dkim = 0')} AS dkim_failed, ${sumOf('spf = 0')} AS spf_failed,
         ${sumOf("disposition = 'quarantine'")} AS quarantined, ${sumOf("disposition = 'reject'")} AS rejected,
         count(DISTINCT report_key) AS reports
         FROM dmarc_source JOIN dmarc_report_received ON key = report_key
        WHERE received_at >= ? AND (? = '' OR dmarc_report_received.domain = ? OR header_from = ?)
        GROUP BY header_from, source, sender ORDER BY failed DESC, messages DESC, header_from, source, sender LIMIT ?`,
      since,
      domain,
      domain,
      domain,
      limit,
    )
    return rows.map(row => ({
      domain: row.header_from,
      address: row.source,
      isOwn: row.own === 1,
      sender: row.sender,
      messages: row.messages,
      failed: row.failed,
      dkimFailed: row.dkim_failed,
      spfFailed: row.spf_failed,
      quarantined: row.quarantined,
      rejected: row.rejected,
      reports: row.reports,
    }))
  },
)

/** Forgets what is older than `before`. */
export const expireReceivedReports = defineWrite(
  'dmarc-report.expire-received',
  async (tx, input: { readonly before: number }): Promise<void> => {
    await tx.run(
      'DELETE FROM dmarc_source WHERE report_key IN (SELECT key FROM dmarc_report_received WHERE received_at < ?)',
      input.before,
    )
    await tx.run('DELETE FROM dmarc_report_received WHERE received_at < ?', input.before)
  },
)

export const receivedDmarcOperations = [
  keepDmarcReport,
  listDmarcReports,
  listDmarcSources,
  expireReceivedReports,
] as const
