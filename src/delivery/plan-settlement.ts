// From an outcome to what the queue does with the recipient and what the sender is told (RFC 3461 §5.2, RFC 5321 §4.5.4.1).

import { formatAddress } from '../address/format-address.ts'
import type { NewRecipient } from '../queue/new-message.ts'
import type { ClaimedWork, QueuedRecipient } from '../queue/records.ts'
import type { Settlement } from '../queue/settle.ts'
import type { TlsEvidence } from '../tls-policy/server-policy.ts'
import type { DeliveryOutcome, Diagnosis, Postponed } from './outcome.ts'
import type { RetrySchedule } from './retry-schedule.ts'

/** One recipient after one attempt. */
export interface Attempted {
  readonly work: ClaimedWork
  readonly recipient: QueuedRecipient
  readonly outcome: DeliveryOutcome
  /** Where a delivered message is to be filed. */
  readonly filing?:
    | { readonly accountId: number; readonly mailbox: string; readonly traceFields: string }
    | undefined
  /** Who takes the place of an expanded recipient. */
  readonly into?: readonly NewRecipient[] | undefined
  readonly mxHosts?: readonly string[] | undefined
  readonly dialogue?: readonly string[] | undefined
  readonly tls?: readonly TlsEvidence[] | undefined
}

/** One recipient whose turn came without an attempt. */
export interface NotAttempted {
  readonly work: ClaimedWork
  readonly recipient: QueuedRecipient
  readonly outcome: Postponed
}

/** What the sender is to be told about. `action` as in RFC 3464 §2.3.3. */
export interface ReportableOutcome {
  readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'
  readonly attempted: Attempted
  readonly outcome: DeliveryOutcome
  /** Until when it is tried, for 'delayed'. */
  readonly nextAttemptAt?: number | undefined
}

export interface SettlementPlan {
  readonly settlement: Settlement
  readonly report?: ReportableOutcome | undefined
}

export function planSettlement(
  ended: Attempted | NotAttempted,
  now: number,
  schedule: RetrySchedule,
  spread: number,
): SettlementPlan {
  return isAttempted(ended)
    ? planAfterAttempt(ended, now, schedule, spread)
    : { settlement: postpone(ended, now, schedule, spread) }
}

function isAttempted(ended: Attempted | NotAttempted): ended is Attempted {
  return ended.outcome.kind !== 'postponed'
}

/**
 * What was not tried waits as if it had been, or a destination that is down would be asked about all its mail all the
 * time. But nobody is told of a delay or an end without an attempt of this message: it comes as soon as may be.
 */
function postpone(ended: NotAttempted, now: number, schedule: RetrySchedule, spread: number): Settlement {
  const { work, recipient, outcome } = ended
  const { id, acceptedAt, expiresAt } = work.message
  const { diagnosis, until } = outcome
  const isUrgent = now >= expiresAt || isDelayToTell(ended, now, schedule)
  const dueAt = isUrgent
    ? until
    : Math.max(dueAgainAt(ended, schedule.attemptsAt(acceptedAt, now), now, schedule, spread), until)
  return {
    messageId: id,
    recipientId: recipient.id,
    events: [
      {
        kind: 'postponed',
        recipient: formatAddress(recipient.forwardPath),
        diagnosis,
        nextAttemptAt: dueAt,
      },
    ],
    result: {
      kind: 'retry',
      tried: false,
      dueAt,
      diagnosis: `not tried: the destination could not be reached a moment ago (${formatDiagnosis(diagnosis)})`,
      delayReported: false,
    },
  }
}

function planAfterAttempt(
  attempted: Attempted,
  now: number,
  schedule: RetrySchedule,
  spread: number,
): SettlementPlan {
  const { work, recipient } = attempted
  const { message } = work
  const attempt = recipient.attempts + 1
  const outcome = expireWhenOver(attempted.outcome, message.expiresAt, now)
  const settle = (result: Settlement['result'], nextAttemptAt?: number): Settlement => ({
    messageId: message.id,
    recipientId: recipient.id,
    events: [
      {
        kind: 'attempted',
        recipient: formatAddress(recipient.forwardPath),
        attempt,
        outcome,
        ...(attempted.mxHosts ? { mxHosts: attempted.mxHosts } : {}),
        ...(attempted.dialogue ? { dialogue: attempted.dialogue } : {}),
        ...(attempted.tls ? { tls: attempted.tls } : {}),
        ...(nextAttemptAt === undefined ? {} : { nextAttemptAt }),
      },
    ],
    result,
  })
  switch (outcome.kind) {
    case 'delivered':
    case 'shown':
      return {
        settlement: settle(attempted.filing ? { kind: 'file', ...attempted.filing } : { kind: 'done' }),
        report: reportWhen(wantsSuccess(attempted), { action: 'delivered', attempted, outcome }),
      }
    case 'relayed':
      // RFC 3461 §5.2.2: a server that offers DSN reports the success itself; for another one we can say only 'relayed'.
      return {
        settlement: settle({ kind: 'done' }),
        report: reportWhen(!outcome.dsnAware && wantsSuccess(attempted), {
          action: 'relayed',
          attempted,
          outcome,
        }),
      }
    case 'expanded': {
      const into = attempted.into ?? []
      // RFC 3461 §5.2.7: with a single target the request for a report travels on with it; with several it ends here.
      return {
        settlement: settle({ kind: 'expand', into }),
        report: reportWhen(into.length !== 1 && wantsSuccess(attempted), {
          action: 'expanded',
          attempted,
          outcome,
        }),
      }
    }
    case 'deferred': {
      const dueAt = dueAgainAt(attempted, attempt, now, schedule, spread)
      const tell = isDelayToTell(attempted, now, schedule)
      return {
        settlement: settle(
          {
            kind: 'retry',
            tried: true,
            dueAt,
            diagnosis: formatDiagnosis(outcome.diagnosis),
            delayReported: tell,
          },
          dueAt,
        ),
        report: reportWhen(tell, { action: 'delayed', attempted, outcome, nextAttemptAt: dueAt }),
      }
    }
    case 'failed':
    case 'expired':
      return {
        settlement: settle({ kind: 'done' }),
        report: reportWhen(wantsFailure(attempted), { action: 'failed', attempted, outcome }),
      }
    default:
      return outcome satisfies never
  }
}

/** An attempt when the notice is due, so that it comes when the settings say and not up to a whole wait later. */
function dueAgainAt(
  ended: Attempted | NotAttempted,
  attempts: number,
  now: number,
  schedule: RetrySchedule,
  spread: number,
): number {
  const { acceptedAt, expiresAt } = ended.work.message
  const scheduled = schedule.nextAttemptAt(attempts, now, expiresAt, spread)
  const noticeAt = wantsDelay(ended) ? schedule.delayNoticeAt(acceptedAt, now) : undefined
  return Math.min(scheduled, noticeAt ?? scheduled)
}

function isDelayToTell(ended: Attempted | NotAttempted, now: number, schedule: RetrySchedule): boolean {
  const { recipient, work } = ended
  return (
    schedule.isDelayed(work.message.acceptedAt, now) &&
    recipient.delayReportedAt === undefined &&
    wantsDelay(ended)
  )
}

function expireWhenOver(outcome: DeliveryOutcome, expiresAt: number, now: number): DeliveryOutcome {
  return outcome.kind === 'deferred' && now >= expiresAt
    ? { kind: 'expired', diagnosis: outcome.diagnosis }
    : outcome
}

/** RFC 5321 §4.5.5, RFC 3464 §2: nothing is ever reported on a report, or to the null reverse-path. */
function mayReport({ work: { message } }: Attempted | NotAttempted): boolean {
  return message.reversePath !== null && !message.isReport
}

function wantsSuccess(attempted: Attempted): boolean {
  return mayReport(attempted) && (attempted.recipient.notify?.includes('SUCCESS') ?? false)
}

// RFC 3461 §4.1: without NOTIFY failures are reported, and delays may be; an empty list is NEVER.
function wantsFailure(attempted: Attempted): boolean {
  return mayReport(attempted) && (attempted.recipient.notify?.includes('FAILURE') ?? true)
}

function wantsDelay(ended: Attempted | NotAttempted): boolean {
  return mayReport(ended) && (ended.recipient.notify?.includes('DELAY') ?? true)
}

function reportWhen(wanted: boolean, report: ReportableOutcome): ReportableOutcome | undefined {
  return wanted ? report : undefined
}

function formatDiagnosis({ reply, detail }: Diagnosis): string {
  if (!reply) return detail
  return `${detail}: ${reply.code}${reply.enhanced ? ` ${reply.enhanced}` : ''} ${reply.lines.join(' ')}`
}
