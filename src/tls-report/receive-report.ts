// Reports of others that come as mail to addresses of ours: found in the message, unpacked within limits, kept.
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { readAttachments, readWhole } from '../daily-report/read-mail.ts'
import { type ComeMessage, provenAuthor } from '../mail-authentication/proven-author.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { keepReceivedReport } from './operations.ts'
import type { ReceivedTlsReport } from './report-json.ts'

export interface ReportReceiverOptions {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly clock: Clock
  readonly log: Log
  readonly hostname: string
}

export interface SuspectedReport extends ComeMessage {
  readonly queueId: QueueId
  readonly mailDataId: number
  readonly size: number
}

/** Never rejects: the message is delivered in any case. */
export type TakeTlsReport = (message: SuspectedReport) => Promise<void>

/** No honest report is larger. */
const maxMessageBytes = 1024 * 1024
const maxReportBytes = 4 * 1024 * 1024

export function createReportReceiver(options: ReportReceiverOptions): TakeTlsReport {
  return async message => {
    const { clock, log, storage, hostname } = options
    const queueId = formatQueueId(message.queueId)
    if (message.size > maxMessageBytes) return
    try {
      const report = await readReport(await readWhole(options.mailData, message.mailDataId))
      if (!report) {
        log.info('a message that looked like a report on TLS is none', { queueId })
        return
      }
      // RFC 8460 §3 wants it signed: anybody could report anything, and in the place of the right one.
      const proven = provenAuthor(message, hostname)
      const key = createHash('sha256')
        .update(JSON.stringify([report.organization, report.reportId, report.policies[0]?.domain, proven]))
        .digest('base64url')
      await storage.run(keepReceivedReport, { key, at: clock.now(), report: { ...report, proven } })
    } catch (cause) {
      log.warn('a report on TLS could not be kept', { queueId, reason: String(cause) })
    }
  }
}

const unpack = promisify(gunzip)

/** undefined: there is none in it. */
export async function readReport(message: Uint8Array): Promise<ReceivedTlsReport | undefined> {
  // Loaded when there is a report, as what finds it is.
  const [attachments, { parseReportJson }] = await Promise.all([
    readAttachments(message),
    import('./parse-report.ts'),
  ])
  for (const { mimeType, bytes } of attachments) {
    if (mimeType !== 'application/tlsrpt+gzip' && mimeType !== 'application/tlsrpt+json') continue
    const json = mimeType.endsWith('+json') ? bytes : await unpackWithinLimits(bytes)
    const report = json && parseReportJson(json.toString('utf8'))
    if (report) return report
  }
  return undefined
}

async function unpackWithinLimits(bytes: Buffer): Promise<Buffer | undefined> {
  try {
    return await unpack(bytes, { maxOutputLength: maxReportBytes })
  } catch {
    // No gzip, or so much that it was made to hurt.
    return undefined
  }
}
