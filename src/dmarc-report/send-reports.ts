// Sends the reports on the days that are over to the domains that want them (RFC 9990 §3.4, §3.5).
import { composeReportMail } from '../daily-report/compose-mail.ts'
import { type DayOfDomain, formatDay } from '../daily-report/day.ts'
import { isLastChance, reportOnDueDays } from '../daily-report/due-days.ts'
import { formatMailto } from '../daily-report/mailto.ts'
import { queueDailyReport, type ReportQueueOptions } from '../daily-report/queue-report.ts'
import type { ReportedDay } from '../daily-report/reported-days.ts'
import { type AuthenticationDns, boundDns } from '../mail-authentication/bounded-dns.ts'
import {
  isPolicyRecord,
  type PolicyRecord,
  parsePolicyRecord,
} from '../mail-authentication/dmarc/policy-record.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { composeReportXml, type Reporter } from './compose-report.ts'
import { dmarcCountsOfDay, dmarcReportedDays } from './operations.ts'
import { type ConfirmedTargets, confirmTargets, type ReportTarget, readTargets } from './report-targets.ts'

export interface DmarcReporterOptions extends Omit<ReportQueueOptions, 'queueReport'> {
  readonly clock: Clock
  readonly log: Log
  readonly dns: AuthenticationDns
  readonly hostname: string
  readonly reporter: Reporter
}

/** For one report: of a few targets each needs a walk and a question. */
const dnsBounds = { timeMs: 60_000, maxQuestions: 200 }

/** Never rejects. */
export async function sendDmarcReports(options: DmarcReporterOptions): Promise<void> {
  const { clock, log, storage } = options
  try {
    await reportOnDueDays({
      clock,
      storage,
      listUnreported: dmarcReportedDays.listUnreported,
      reportOn: day => reportOn(options, day),
    })
  } catch (cause) {
    log.warn('reports on DMARC could not be sent', { reason: String(cause) })
  }
}

async function reportOn(options: DmarcReporterOptions, { day, domain }: DayOfDomain): Promise<void> {
  const { clock, log, storage } = options
  const { policy, targets, problem } = await findWanted(options, domain)
  // Asked again in an hour.
  if (problem !== undefined && !isLastChance({ day, domain }, clock.now())) return
  if (problem !== undefined)
    log.warn('a report on DMARC does not go to all who may want it', { domain, reason: problem })
  if (policy && targets.length > 0) {
    const queued = await queueReport(options, { day, domain }, { policy, targets })
    if (queued === 'queued') return
  }
  await storage.run(dmarcReportedDays.noteDone, { day, domain, at: clock.now(), targets: [] })
}

async function queueReport(
  options: DmarcReporterOptions,
  { day, domain }: DayOfDomain,
  { policy, targets }: { readonly policy: PolicyRecord; readonly targets: readonly ReportTarget[] },
): Promise<'queued' | 'nothing-to-report'> {
  const { clock, hostname, log, reporter, storage } = options
  const found = await storage.run(dmarcCountsOfDay, { day, domain })
  if (!found || found.counts.length === 0) return 'nothing-to-report'
  const frame = { hostname, day, domain }
  const unlisted = found.day.messages - found.day.listed
  const content = composeReportXml({ frame, reporter, policy, counts: found.counts, unlisted })
  const at = clock.now()
  const compose = (takers: readonly ReportTarget[], queueId: string): Uint8Array =>
    composeReportMail({
      ...frame,
      to: takers.map(({ address }) => address),
      at,
      queueId,
      content,
      fields: [],
      contentType: 'multipart/mixed',
      words: [
        `This is a report on mail from ${domain} that came to ${hostname}`,
        `on ${formatDay(day)} (UTC; DMARC aggregate report, RFC 9990).`,
      ],
      mediaType: 'application/gzip',
      extension: 'xml.gz',
    })
  const { length } = compose(targets, '')
  const takers = targets.filter(({ maxBytes = Infinity }) => length <= maxBytes)
  if (takers.length < targets.length)
    log.warn('a report on DMARC is larger than its receiver takes', { domain, bytes: length })
  if (takers.length === 0) return 'nothing-to-report'
  const to = takers.map(({ address }) => address)
  const reported: ReportedDay = { day, domain, at, targets: to.map(formatMailto) }
  await queueDailyReport(
    { ...options, queueReport: dmarcReportedDays.queueReport },
    // The address may be one of ours.
    { reported, to, compose: queueId => compose(takers, queueId), isDmarcReport: true },
  )
  log.info('a report on DMARC was sent', { domain, to: reported.targets.join(' ') })
  return 'queued'
}

interface Wanted extends ConfirmedTargets {
  /** undefined: there is none, or the DNS did not answer. */
  readonly policy?: PolicyRecord | undefined
}

/** What its record says now: that is the last thing it said of the day. */
async function findWanted({ dns: unbounded, clock }: DmarcReporterOptions, domain: string): Promise<Wanted> {
  const dns = boundDns(unbounded, clock, dnsBounds)
  const answer = await dns.txt(`_dmarc.${domain}`)
  if (answer.kind === 'temporary-failure') return { targets: [], problem: answer.detail }
  const records = answer.kind === 'found' ? answer.records.filter(isPolicyRecord) : []
  const [only] = records
  // RFC 9989 §4.10: of several, none counts.
  const policy = only === undefined || records.length > 1 ? undefined : parsePolicyRecord(only)
  if (!policy || policy.policy === undefined) return { targets: [] }
  return { policy, ...(await confirmTargets(dns, domain, readTargets(policy.text))) }
}
