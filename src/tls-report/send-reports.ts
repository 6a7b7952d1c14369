// Sends the reports on the days that are over to the domains that want them (RFC 8460 §3 – §5). Where several servers
// share the queue, whoever comes first sends.
import { gzipSync } from 'node:zlib'
import { storeOwnMessage } from '../queue/own-message.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import { hashText } from '../runtime/hash-text.ts'
import type { Log } from '../runtime/log.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { askHttps, type HttpsOptions } from '../tls-policy/https.ts'
import { composeReportMail } from './compose-mail.ts'
import { dayMs, dayOf } from './day.ts'
import {
  type DayOfDomain,
  listUnreportedDays,
  noteTlsDayDone,
  queueTlsReport,
  type ReportedDay,
  tlsCountsOfDay,
} from './operations.ts'
import { composeReportJson } from './report-json.ts'
import { formatTarget, type ReportTarget, readReportTargets } from './report-record.ts'

export interface TlsReporterOptions extends HttpsOptions {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly log: Log
  readonly hostname: string
  readonly nextQueueId: () => QueueId
  /** The queue is on hold: reports wait like any message. */
  readonly held: boolean
}

/** The last counts of a day are written within a minute of its end. */
const settleMs = 10 * 60_000
/** §4.1: not everybody at midnight. */
const spreadMs = 4 * 60 * 60_000
/** Where nobody takes a report over HTTPS it is offered until it is so old. */
const giveUpMs = dayMs
/** What a server that was down for longer has not reported, nobody wants to know any more. */
const oldestDays = 3
const maxAnswerBytes = 64 * 1024
const batch = 200

/** Never rejects. */
export async function sendTlsReports(options: TlsReporterOptions): Promise<void> {
  const { clock, log, storage } = options
  let after: DayOfDomain = { day: dayOf(clock.now()) - oldestDays, domain: '' }
  try {
    for (;;) {
      const days = await storage.run(listUnreportedDays, {
        beforeDay: dayOf(clock.now() - settleMs),
        after,
        limit: batch,
      })
      for (const day of days) if (isDue(day, clock.now())) await reportOn(options, day)
      const last = days.at(-1)
      if (!last || days.length < batch) return
      after = last
    }
  } catch (cause) {
    log.warn('reports on TLS could not be sent', { reason: String(cause) })
  }
}

function isDue({ day, domain }: DayOfDomain, now: number): boolean {
  return now >= (day + 1) * dayMs + settleMs + (hashText(domain, day) % spreadMs)
}

async function reportOn(options: TlsReporterOptions, { day, domain }: DayOfDomain): Promise<void> {
  const { clock, log, resolver, storage, hostname } = options
  const record = await resolver.txt(`_smtp._tls.${domain}`)
  const isOld = clock.now() > (day + 1) * dayMs + giveUpMs
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
    await storage.run(noteTlsDayDone, doneWith([]))
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
  if (byMail.length === 0) await storage.run(noteTlsDayDone, reported)
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
  { held, hostname, mailData, nextQueueId, storage }: TlsReporterOptions,
  reported: ReportedDay,
  byMail: readonly Extract<ReportTarget, { kind: 'mail' }>[],
  json: string,
): Promise<void> {
  const { at, day, domain } = reported
  const to = byMail.map(({ address }) => address)
  const id = nextQueueId()
  const own = await storeOwnMessage(
    mailData,
    composeReportMail({ hostname, day, domain, to, at, json, queueId: formatQueueId(id) }),
    {
      id,
      body: '7BIT',
      smtpUtf8: false,
      language: 'en',
      tls: 'optional',
      // The address may be one of ours.
      isTlsReport: true,
      to,
      at,
      // §5.5: after a day it is of no use.
      lifetimeMs: dayMs,
      held,
    },
  )
  try {
    const queued = await storage.run(queueTlsReport, { reported, message: own.message })
    if (queued !== 'queued') await own.abort()
  } catch (cause) {
    await own.abort()
    throw cause
  }
}
