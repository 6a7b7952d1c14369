// Reports of others that come as mail to addresses of ours: read, kept, and told of where mail of this server itself fails.
import { createHash } from 'node:crypto'
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import type { Alerts } from '../alert/alerts.ts'
import { dayOf } from '../daily-report/day.ts'
import { readWhole } from '../daily-report/read-mail.ts'
import { isDomain } from '../directory/domains.ts'
import { provenAuthor } from '../mail-authentication/proven-author.ts'
import { formatQueueId } from '../queue/queue-id.ts'
import type { QueuedMessage } from '../queue/records.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { readHead } from '../storage/read-head.ts'
import type { ReceivedDmarcReport } from './parse-report.ts'
import { readDmarcReport } from './read-report.ts'
import { type JudgedSource, keepDmarcReport, type UnreadReport } from './received-reports.ts'
import { UnreadableReport } from './unpack.ts'

export interface DmarcReceiverOptions {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly clock: Clock
  readonly log: Log
  readonly hostname: string
  /** Where the DMARC records of our domains want reports; keys, as `addressKey` gives them. */
  readonly reportAddresses: () => ReadonlySet<string>
  /** From which this server sends, as far as it knows. Never rejects. */
  readonly ownAddresses: () => Promise<ReadonlySet<string>>
  readonly alerts?: Pick<Alerts, 'raise'> | undefined
}

export type DeliveredMessage = Pick<
  QueuedMessage,
  'id' | 'size' | 'isReport' | 'isDmarcReport' | 'traceFields'
> & {
  readonly mailDataId: number
  /** To which it was sent, aliases and groups on its way included. */
  readonly addresses: readonly Address[]
}

/** Looks whether it is a report, and reads it. Never rejects: the message is delivered in any case. */
export type TakeDmarcReport = (message: DeliveredMessage) => Promise<void>

/**
 * To read one may take a second of work, and anybody can send them: no more are read in a day than any domain gets, and of those
 * whose writer nobody proves, fewer.
 */
const maxReadADay = { proven: 2000, unproven: 200 }

/** RFC 7489 §6.2 had ten megabytes as its example, and no honest report comes near. */
const maxMessageBytes = 10 * 1024 * 1024

export function createDmarcReceiver(options: DmarcReceiverOptions): TakeDmarcReport {
  let today = 0
  let read = { proven: 0, unproven: 0 }
  const mayRead = (sort: keyof typeof maxReadADay): boolean => {
    const day = dayOf(options.clock.now())
    if (day !== today) read = { proven: 0, unproven: 0 }
    today = day
    return ++read[sort] <= maxReadADay[sort]
  }
  return async message => {
    const { clock, log, storage } = options
    const queueId = formatQueueId(message.id)
    if (!message.isDmarcReport && !(await hasReportName(options, message))) return
    const common = {
      receivedAt: clock.now(),
      queueId: message.id,
      // Whoever sends in another's name could report anything. Our own are on mail that strangers sent in our name.
      proven: provenAuthor(message, options.hostname),
    }
    if (!mayRead(common.proven === '' ? 'unproven' : 'proven')) {
      log.warn('a report on DMARC was not read: too many have come today', { queueId })
      return
    }
    try {
      const report = await readWithinLimits(options, message)
      if (!(await isOurs(storage, report.domain)))
        throw new UnreadableReport(`it is about ${report.domain}, which is no domain of this server`)
      const sources = await judgeSources(options, report)
      const kept = await storage.run(keepDmarcReport, { ...report, ...common, sources, key: keyOf(report) })
      if (kept === 'too-many')
        log.warn('a report on DMARC was not kept: too many have come today', { queueId })
      if (kept === 'kept' && common.proven !== '') await raiseAlert(options, report, sources)
    } catch (cause) {
      if (cause instanceof UnreadableReport) await keepProblem(options, { ...common, problem: cause.message })
      else log.warn('a report on DMARC could not be kept', { queueId, reason: String(cause) })
    }
  }
}

/** RFC 9990 §3.5.2: 'mail.receiver.example!example.com!1013662812!1013749130.xml.gz' */
const reportName = /![0-9]{9,11}![0-9]{9,11}/
const maxHeadBytes = 64 * 1024

/** Some write what they like into the subject; where reports are wanted, the name of the file tells them from other mail. */
async function hasReportName(
  { log, mailData, reportAddresses }: DmarcReceiverOptions,
  { id, mailDataId, addresses }: DeliveredMessage,
): Promise<boolean> {
  const wanted = reportAddresses()
  if (!addresses.some(address => wanted.has(addressKey(address)))) return false
  try {
    const head = await readHead(mailData.read(mailDataId), maxHeadBytes)
    return reportName.test(head.toString('latin1').replaceAll(/\r\n[ \t]+/g, ''))
  } catch (cause) {
    log.warn('a report on DMARC could not be looked for', {
      queueId: formatQueueId(id),
      reason: String(cause),
    })
    return false
  }
}

async function readWithinLimits(
  { mailData }: DmarcReceiverOptions,
  { size, mailDataId }: DeliveredMessage,
): Promise<ReceivedDmarcReport> {
  if (size > maxMessageBytes)
    throw new UnreadableReport(
      `the message has more than ${maxMessageBytes / 1024 / 1024} MB, as none with a report has`,
    )
  return await readDmarcReport(await readWhole(mailData, mailDataId))
}

async function keepProblem(
  { log, storage }: DmarcReceiverOptions,
  unread: Omit<UnreadReport, 'key'>,
): Promise<void> {
  const queueId = formatQueueId(unread.queueId)
  log.warn('a message that looked like a report on DMARC cannot be read as one', {
    queueId,
    reason: unread.problem,
  })
  try {
    await storage.run(keepDmarcReport, { ...unread, key: queueId })
  } catch (cause) {
    log.warn('a report on DMARC could not be kept', { queueId, reason: String(cause) })
  }
}

/** It, or the domain that it is below. */
async function isOurs(storage: Storage, domain: string): Promise<boolean> {
  const labels = domain.split('.')
  for (let index = 0; index < labels.length - 1; index++)
    if (await storage.run(isDomain, { name: labels.slice(index).join('.') })) return true
  return false
}

async function judgeSources(
  { ownAddresses }: DmarcReceiverOptions,
  { sources }: ReceivedDmarcReport,
): Promise<readonly JudgedSource[]> {
  const own = await ownAddresses()
  return sources.map(source => ({ ...source, isOwn: own.has(source.address) }))
}

function keyOf({ organization, reportId, domain }: ReceivedDmarcReport): string {
  return createHash('sha256')
    .update(JSON.stringify([organization, reportId, domain]))
    .digest('base64url')
}

async function raiseAlert(
  { alerts, clock }: DmarcReceiverOptions,
  { domain, organization, reportId }: ReceivedDmarcReport,
  sources: readonly JudgedSource[],
): Promise<void> {
  const failed = sources.filter(({ isOwn, dkim, spf, messages }) => isOwn && !dkim && !spf && messages > 0)
  if (failed.length === 0) return
  const messages = failed.reduce((total, source) => total + source.messages, 0)
  const addresses = [...new Set(failed.map(({ address }) => address))].slice(0, 5).join(', ')
  const detail = `${organization} got ${messages} messages of ${domain} from ${addresses} that neither DKIM nor SPF proved (report ${reportId})`
  await alerts?.raise({ kind: 'dmarc-alignment', subject: domain, at: clock.now(), evidence: { detail } })
}
