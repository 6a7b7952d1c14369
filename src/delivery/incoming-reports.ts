// Reports and complaints of other servers, at their delivery to an account: joined to the trail of the message that they
// speak of.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { parseVerp } from '../address/verp.ts'
import { type IncomingRecipient, type IncomingReport, parseReport } from '../bounce/parse-report.ts'
import { formatQueueId, parseQueueId, type QueueId } from '../queue/queue-id.ts'
import type { QueuedMessage, QueuedRecipient } from '../queue/records.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { readHead } from '../storage/read-head.ts'
import { isPassing } from '../storage/storage-fault.ts'
import { noteReturned, type ReturnedNews } from '../suppression/operations.ts'
import type { FoundBy, TrailEvent } from '../trail/events.ts'
import { findReferred, noteOnce, type ReferredMessage } from '../trail/find-referred.ts'
import { envelopeIdReference, messageIdReference, reversePathReference } from '../trail/references.ts'

export interface ReportReaderOptions {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly clock: Clock
  readonly log: Log
  readonly hostname: string
  readonly verpDelimiter: string
}

/** Writes what a report says to the trail of its subject. Rejects only when the storage is away: then it comes again. */
export type NoteReport = (
  message: QueuedMessage,
  mailDataId: number,
  recipients: readonly QueuedRecipient[],
) => Promise<void>

/** Reports are small; of the message that comes back only the header section matters. */
const maxReportBytes = 256 * 1024

export function createReportReader(options: ReportReaderOptions): NoteReport {
  return async (message, mailDataId, recipients) => {
    // RFC 3464 §2: reports come from the null reverse-path; complaints (RFC 5965) need not.
    if (message.isReport || (message.reversePath !== null && message.saysItReports !== true)) return
    try {
      await note(options, message, mailDataId, recipients)
    } catch (cause) {
      if (isPassing(cause)) throw cause
      options.log.warn('a report of another server could not be read', {
        queueId: formatQueueId(message.id),
        reason: String(cause),
      })
    }
  }
}

async function note(
  { storage, mailData, clock, hostname, verpDelimiter }: ReportReaderOptions,
  message: QueuedMessage,
  mailDataId: number,
  recipients: readonly QueuedRecipient[],
): Promise<void> {
  const bytes = await readHead(mailData.read(mailDataId), maxReportBytes)
  const report = parseReport(bytes, hostname)
  const isComplaint = report.feedbackType !== undefined
  if (message.reversePath !== null && !isComplaint) return
  const addressees = recipients.flatMap(({ expandedFrom, forwardPath }) => [
    ...(expandedFrom ?? []),
    forwardPath,
  ])
  const returns = addressees.flatMap(address => {
    const verp = parseVerp(address, verpDelimiter)
    return verp ? [{ ...verp, address: formatAddress(address) }] : []
  })
  const references = listReferences(
    report,
    returns.map(({ address }) => address),
  )
  const found = await storage.run(findReferred, {
    queueIds: report.queueIds.flatMap(text => parseQueueId(text) ?? []),
    references: [...references.keys()],
  })
  const senders = new Set([...addressees, ...returns.map(({ sender }) => sender)].map(addressKey))
  // Who may write into the trail of a message by a report is who may send one to its sender: no other is told to anybody.
  // A complaint goes to whoever keeps watch.
  const subject = found.find(
    ({ queueId, reversePath }) => queueId !== message.id && (isComplaint || senders.has(keyOf(reversePath))),
  )
  if (!subject) return
  const foundBy = howFound(subject, references)
  const events = describe(report, message.id, foundBy, returns[0]?.recipient)
  const at = clock.now()
  await storage.run(noteOnce, { at, queueId: subject.queueId, events })
  const news = events.flatMap(event => suppressionBy(event, subject, message.id, at) ?? [])
  if (news.length > 0) await storage.run(noteReturned, { news })
}

/** RFC 5965 §7.3: those that say that the mail is not wanted; 'not-spam' says the opposite, 'auth-failure' nothing of it. */
const unwantedTypes: ReadonlySet<string> = new Set(['abuse', 'fraud', 'opt-out', 'opt-out-list'])
const deadMailbox: ReadonlySet<string> = new Set(['5.1.1', '5.1.6', '5.1.10', '5.2.1'])
const deadDomain: ReadonlySet<string> = new Set(['5.1.2', '5.4.4'])

function suppressionBy(
  event: TrailEvent,
  { queueId, reversePath }: ReferredMessage,
  reportId: QueueId,
  at: number,
): ReturnedNews | undefined {
  const common = { at, queueId, foundBy: 'report' } as const
  if (event.kind === 'complained') {
    const sender = parseAddress(reversePath)
    if (!sender || !unwantedTypes.has(event.feedbackType)) return undefined
    const detail = `a complaint about a message of ${formatAddress(sender)} came back (${event.feedbackType}), in message ${formatQueueId(reportId)}`
    return {
      queueId,
      recipient: addressOf(event.recipient),
      suppression: { ...common, sender, reason: 'complaint', mail: 'bulk', detail },
    }
  }
  const recipient = event.kind === 'bounced' ? addressOf(event.recipient) : undefined
  if (event.kind !== 'bounced' || event.action !== 'failed' || !recipient) return undefined
  const { status = '', diagnostic } = event
  const reason = deadMailbox.has(status)
    ? 'unknown-user'
    : deadDomain.has(status)
      ? 'unknown-domain'
      : undefined
  if (!reason) return undefined
  const detail = `a report came back (${status}), in message ${formatQueueId(reportId)}${diagnostic === undefined ? '' : `: ${diagnostic}`}`
  return { queueId, recipient, suppression: { ...common, reason, mail: 'bulk', detail } }
}

function addressOf(text: string | undefined): Address | undefined {
  return text === undefined ? undefined : parseAddress(text)
}

/** What the trail may know the message by, and what that is; the surest first. */
function listReferences(
  { envelopeId, messageId }: IncomingReport,
  reversePaths: readonly string[],
): ReadonlyMap<string, FoundBy> {
  return new Map<string, FoundBy>([
    ...(messageId === undefined ? [] : [[messageIdReference(messageId), 'message-id'] as const]),
    ...(envelopeId === undefined ? [] : [[envelopeIdReference(envelopeId), 'envelope-id'] as const]),
    ...reversePaths.map(path => [reversePathReference(path), 'verp'] as const),
  ])
}

function howFound({ reference }: ReferredMessage, references: ReadonlyMap<string, FoundBy>): FoundBy {
  return (reference === undefined ? undefined : references.get(reference)) ?? 'queue-id'
}

function keyOf(reversePath: string): string {
  const address = parseAddress(reversePath)
  return address ? addressKey(address) : ''
}

function describe(
  report: IncomingReport,
  id: QueueId,
  foundBy: FoundBy,
  verpRecipient: Address | undefined,
): TrailEvent[] {
  const reportId = formatQueueId(id)
  const { feedbackType, reportingMta } = report
  // One reverse-path for each recipient: the report is about that one, whoever the last server was asked for.
  const recipients: readonly IncomingRecipient[] =
    report.recipients.length === 0 || (verpRecipient && report.recipients.length === 1)
      ? [{ ...report.recipients[0], ...(verpRecipient ? { originalRecipient: verpRecipient } : {}) }]
      : report.recipients
  return recipients.map(recipient => {
    const address = recipient.originalRecipient ?? recipient.finalRecipient
    const common = { ...(address ? { recipient: formatAddress(address) } : {}), reportId, foundBy }
    if (feedbackType !== undefined) return { kind: 'complained', feedbackType, ...common }
    const { action, status, diagnostic, remoteMta } = recipient
    return { kind: 'bounced', action, status, diagnostic, remoteMta, reportingMta, ...common }
  })
}
