// Sends the reports on the days that are over to the domains that want them (RFC 8460 §3 – §5). Where several servers
// share the queue, whoever comes first sends.
import { gzipSync } from 'node:zlib'
import type { DayOfDomain } from '../daily-report/day.ts'
import { isLastChance, reportOnDueDays } from '../daily-report/due-days.ts'
import { queueDailyReport, type ReportQueueOptions } from '../daily-report/queue-report.ts'
import type { ReportedDay } from '../daily-report/reported-days.ts'
import type { Log } from '../runtime/log.ts'
import { askHttps, type HttpsOptions } from '../tls-policy/https.ts'
import { composeTlsReportMail } from './compose-mail.ts'
import { tlsCountsOfDay, tlsReportedDays } from './operations.ts'
import { composeReportJson } from './report-json.ts'
import { formatTarget, type ReportTarget, readReportTargets } from './report-record.ts'

export interface TlsReporterOptions extends HttpsOptions, Omit<ReportQueueOptions, 'queueReport'> {
  readonly log: Log
  readonly hostname: string
}

const maxAnswerBytes = 64 * 1024

/** Never rejects. */
export async function sendTlsReports(options: TlsReporterOptions): Promise<void> {
  const { clock, log, storage } = options
  try {
    await reportOnDueDays({
      clock,
      storage,
      listUnreported: tlsReportedDays.listUnreported,
      reportOn: day => reportOn(options, day),
    })
  } catch (cause) {
    log.warn('reports on TLS could not be sent', { reason: String(cause) })
  }
}

async function reportOn(options: TlsReporterOptions, { day, domain }: DayOfDomain): Promise<void> {
  const { clock, log, resolver, storage, hostname } = options
  const record = await resolver.txt(`_smtp._tls.${domain}`)
  const isOld = isLastChance({ day, domain }, clock.now())
  // Asked again in an hour.
  if (record.kind === 'temporary-failure' && !isOld) return
  const targets = record.kind === 'found' ? readReportTargets(record.records) : []
  const doneWith = (takers: readonly ReportTarget[]): ReportedDay => ({
    day,
    domain,
    at: clock.now(),
    targets: takers.map(formatTarget),
  })
  if (targets.length === 0) {
    await storage.run(tlsReportedDays.noteDone, doneWith([]))
    return
  }
  const json = composeReportJson(
    { hostname, day, domain },
    await storage.run(tlsCountsOfDay, { day, domain }),
  )
  const byMail = targets.filter(target => target.kind === 'mail')
  const takers = [...(await post(options, targets, json)), ...byMail]
  // §3: a report has arrived when one of its targets has it. Whoever took it does not get it again for the sake of others,
  // and the mail waits for nobody: the queue tries for as long as it is of use.
  if (takers.length === 0 && !isOld) return
  const reported = doneWith(takers)
  if (byMail.length === 0) await storage.run(tlsReportedDays.noteDone, reported)
  else await queueMail(options, reported, byMail, json)
  if (takers.length > 0) log.info('a report on TLS was sent', { domain, to: reported.targets.join(' ') })
  else log.warn('a report on TLS was given up: nobody took it in a day', { domain })
}

/** Those that take reports over HTTPS, and have taken it (§5.4). */
async function post(
  options: TlsReporterOptions,
  targets: readonly ReportTarget[],
  json: string,
): Promise<readonly ReportTarget[]> {
  const takers: ReportTarget[] = []
  for (const target of targets) {
    if (target.kind !== 'https') continue
    const answer = await askHttps(options, {
      host: target.host,
      path: target.path,
      method: 'POST',
      headers: { 'content-type': 'application/tlsrpt+gzip' },
      body: gzipSync(json),
      maxAnswerBytes,
    })
    if (answer.kind === 'answer' && answer.status >= 200 && answer.status < 300) {
      takers.push(target)
      continue
    }
    const reason = answer.kind === 'failed' ? answer.detail : `it answered ${answer.status}`
    options.log.warn('a report on TLS was not taken', { to: formatTarget(target), reason })
  }
  return takers
}

async function queueMail(
  options: TlsReporterOptions,
  reported: ReportedDay,
  byMail: readonly Extract<ReportTarget, { kind: 'mail' }>[],
  json: string,
): Promise<void> {
  const { hostname } = options
  const { at, day, domain } = reported
  const to = byMail.map(({ address }) => address)
  await queueDailyReport(
    { ...options, queueReport: tlsReportedDays.queueReport },
    {
      reported,
      to,
      compose: queueId => composeTlsReportMail({ hostname, day, domain, to, at, json, queueId }),
      tls: 'optional',
      // The address may be one of ours.
      isTlsReport: true,
    },
  )
}
