// Reports to senders (RFC 3461 §6, RFC 3464): one for all recipients of a message that met the same kind of end together,
// itself a message for the queue, from the null reverse-path.

import { formatAddress } from '../address/format-address.ts'
import { composeReport } from '../bounce/compose-report.ts'
import type { ReportedRecipient } from '../bounce/report.ts'
import { HeaderSplitter } from '../message/header-section.ts'
import { storeOwnMessage } from '../queue/own-message.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import type { SettlementReport } from '../queue/settle.ts'
import type { Log } from '../runtime/log.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { ReportableOutcome } from './plan-settlement.ts'
import { describeProvider } from './replies/describe-provider.ts'
import { refusedStep } from './replies/diagnose.ts'
import { endOf } from './transfer/deliver-by.ts'

export interface ReportComposerOptions {
  readonly mailData: MailDataStore
  readonly log: Log
  readonly hostname: string
  readonly nextQueueId: () => QueueId
  readonly lifetimeMs: number
  /** The queue is on hold: reports wait like any message. */
  readonly held: boolean
}

export type ComposeReports = (
  outcomes: readonly ReportableOutcome[],
  now: number,
) => Promise<readonly SettlementReport[]>

export function createReportComposer(options: ReportComposerOptions): ComposeReports {
  return async (outcomes, now) => {
    const reports: SettlementReport[] = []
    for (const group of groupOutcomes(outcomes)) reports.push(await composeOne(options, group, now))
    return reports
  }
}

type Group = readonly [ReportableOutcome, ...ReportableOutcome[]]

/** Failures, delays and successes of one message each make a report: they tell the sender different things. */
function groupOutcomes(outcomes: readonly ReportableOutcome[]): Group[] {
  const groups = new Map<string, [ReportableOutcome, ...ReportableOutcome[]]>()
  for (const outcome of outcomes) {
    const kind = outcome.action === 'failed' || outcome.action === 'delayed' ? outcome.action : 'success'
    const key = `${outcome.attempted.work.message.id} ${kind}`
    const group = groups.get(key)
    if (group) group.push(outcome)
    else groups.set(key, [outcome])
  }
  return [...groups.values()]
}

async function composeOne(
  options: ReportComposerOptions,
  group: Group,
  now: number,
): Promise<SettlementReport> {
  const { hostname, mailData, nextQueueId, lifetimeMs, held } = options
  const [first] = group
  const { message } = first.attempted.work
  if (message.reversePath === null) throw new Error('a report about a message that nobody is to hear of')
  const id = nextQueueId()
  const original = await readOriginal(options, first)
  const report = composeReport({
    language: message.language,
    hostname,
    reportId: formatQueueId(id),
    at: now,
    to: message.reversePath,
    isTlsOptional: message.tls === 'optional',
    queueId: formatQueueId(message.id),
    arrivedAt: message.acceptedAt,
    envelopeId: message.envelopeId,
    ...original,
    recipients: group.map(outcome => describeRecipient(outcome, now)),
  })
  const own = await storeOwnMessage(mailData, report.mailData, {
    id,
    body: report.body,
    smtpUtf8: report.smtpUtf8,
    language: message.language,
    // RFC 8689 §5
    ...(message.tls === undefined ? {} : { tls: message.tls }),
    to: [message.reversePath],
    at: now,
    lifetimeMs,
    held,
  })
  const recipients = group.map(({ attempted }) => formatAddress(attempted.recipient.forwardPath))
  return {
    about: { messageId: message.id, action: first.action, recipients },
    recipientIds: group.map(({ attempted }) => attempted.recipient.id),
    message: own.message,
  }
}

function describeRecipient(
  { action, attempted, outcome }: ReportableOutcome,
  now: number,
): ReportedRecipient {
  const { recipient, work } = attempted
  const common = {
    finalRecipient: recipient.forwardPath,
    originalRecipient: recipient.originalRecipient,
    action,
    attempts: recipient.attempts + (attempted.isUntried ? 0 : 1),
    at: now,
    isUntried: attempted.isUntried,
  }
  switch (outcome.kind) {
    case 'deferred':
    case 'failed':
    case 'expired': {
      const { status, cause, remoteMta, remoteAddress, viaSmartHost, reply, detail } = outcome.diagnosis
      return {
        ...common,
        // RFC 3463 §3.5: what is given up is permanent, whatever the last reply was.
        status: outcome.kind === 'deferred' ? status : `5${status.slice(1)}`,
        cause,
        remoteMta,
        viaSmartHost,
        reply,
        refused: refusedStep(outcome.diagnosis),
        remoteAddress,
        provider: describeProvider(outcome.diagnosis),
        detail,
        expired: outcome.kind === 'expired',
        willRetryUntil: outcome.kind === 'deferred' ? endOf(work.message) : undefined,
      }
    }
    case 'relayed':
      return {
        ...common,
        status: '2.0.0',
        remoteMta: outcome.remoteMta,
        reply: outcome.reply,
        // RFC 2852 §4.1.4: the sender has to know that nobody keeps the time.
        ...(outcome.keepsTime === false
          ? {
              detail: `${outcome.remoteMta} does not offer DELIVERBY: it was handed over without the time by which it is wanted`,
            }
          : {}),
      }
    case 'delivered':
    case 'discarded':
    case 'shown':
    case 'expanded':
      return { ...common, status: '2.0.0' }
    default:
      return outcome satisfies never
  }
}

/** RET=FULL is honoured up to this size (RFC 3461 §6.2 leaves it to the server); beyond it the header section goes back. */
const maxReturnedBytes = 256 * 1024
const maxHeaderBytes = 256 * 1024

/** The report goes out in any case: without what cannot be read of the message. */
async function readOriginal(
  { mailData, log }: ReportComposerOptions,
  { action, attempted }: ReportableOutcome,
): Promise<{ readonly headerSection: Uint8Array; readonly message?: Uint8Array }> {
  const { message, mailDataId } = attempted.work
  // RFC 3461 §4.3: RET is about failures; who hears of a delay or a success has no use for the message. What is binary
  // cannot stand in a report that goes anywhere.
  const wantsAll =
    message.ret === 'FULL' &&
    // RFC 8689 §5: what was to be protected does not go back whole.
    message.tls !== 'required' &&
    action === 'failed' &&
    message.body !== 'BINARYMIME' &&
    message.size <= maxReturnedBytes
  const pieces: Uint8Array[] = []
  const splitter = new HeaderSplitter(maxHeaderBytes)
  let headerSection: Uint8Array | undefined
  try {
    for await (const chunk of mailData.read(mailDataId)) {
      if (wantsAll) pieces.push(chunk)
      if (!headerSection) {
        const split = splitter.take(chunk)
        if (split === 'too-long') break
        if (split !== 'incomplete') headerSection = split.section
      }
      if (headerSection && !wantsAll) break
    }
  } catch (cause) {
    log.error(
      'the message that a report is about could not be read',
      { queueId: formatQueueId(message.id) },
      cause,
    )
    return { headerSection: headerSection ?? new Uint8Array(0) }
  }
  return {
    headerSection: headerSection ?? splitter.finish().section,
    ...(wantsAll ? { message: Buffer.concat(pieces) } : {}),
  }
}
