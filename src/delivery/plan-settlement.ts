// From an outcome to what the queue does with the recipient and what the sender is told (RFC 3461 §5.2, RFC 5321 §4.5.4.1).

import { formatAddress } from '../address/format-address.ts'
import { type GatePlace, gateLookMs } from '../queue/gates.ts'
import type { NewRecipient } from '../queue/new-message.ts'
import type { ClaimedWork, QueuedMessage, QueuedRecipient } from '../queue/records.ts'
import type { LastReason, Settlement } from '../queue/settle.ts'
import type { TlsEvidence } from '../tls-policy/server-policy.ts'
import type { Lookup, NextAttemptReason, TrailEvent } from '../trail/events.ts'
import { isTooLate, tooLate } from './deliver-by.ts'
import type { DeliveryOutcome, Diagnosis, Kept, Moved, Waiting } from './outcome.ts'
import { classOf } from './reply-class.ts'
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
  /** Where it may be tried again before its own time. */
  readonly place?: GatePlace | undefined
  /** It was not tried this time: its time was over, or the sender was to be told. */
  readonly isKept?: boolean | undefined
  readonly lookup?: Lookup | undefined
  /** The address of ours from which it went, where the settings say one. */
  readonly source?: string | undefined
}

/** One recipient whose turn came without an attempt. */
export interface NotAttempted {
  readonly work: ClaimedWork
  readonly recipient: QueuedRecipient
  readonly outcome: Waiting | Kept | Moved
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
  if (isAttempted(ended)) return planAfterAttempt(ended, now, schedule, spread)
  const { outcome, ...turn } = ended
  switch (outcome.kind) {
    case 'kept':
      return planKept({ ...turn, outcome }, now, schedule)
    case 'waiting':
      return planWaiting({ ...turn, outcome }, now, schedule)
    case 'moved':
      return {
        settlement: {
          messageId: ended.work.message.id,
          recipientId: ended.recipient.id,
          events: [],
          result: { kind: 'move', shard: outcome.shard },
        },
      }
    default:
      return outcome satisfies never
  }
}

export function isAttempted(ended: Attempted | NotAttempted): ended is Attempted {
  const { kind } = ended.outcome
  return kind !== 'waiting' && kind !== 'kept' && kind !== 'moved'
}

/** It stands in line. Its sender is told of a delay, and of the end of its time, as if it had been tried. */
function planWaiting(
  ended: NotAttempted & { readonly outcome: Waiting },
  now: number,
  schedule: RetrySchedule,
): SettlementPlan {
  const { work, recipient, outcome } = ended
  const { message } = work
  const { place, closure } = outcome
  const diagnosis = isTooLate(message, now) ? tooLate : (closure?.diagnosis ?? inLine)
  if (now >= endOf(message)) {
    const expired: DeliveryOutcome = { kind: 'expired', diagnosis }
    const attempted: Attempted = { work, recipient, outcome: expired }
    return {
      settlement: {
        messageId: message.id,
        recipientId: recipient.id,
        events: [{ ...describeAttempt(attempted), attempt: recipient.attempts }],
        result: { kind: 'done' },
      },
      report: reportWhen(wantsFailure(attempted), { action: 'failed', attempted, outcome: expired }),
    }
  }
  const noticeAt = wantsDelay(ended) ? delayNoticeAt(message, now, schedule) : undefined
  const dueAt = Math.min(now + gateLookMs, endOf(message), noticeAt ?? Infinity)
  const tell = isDelayToTell(ended, now, schedule)
  const deferred: DeliveryOutcome = { kind: 'deferred', diagnosis }
  const settlement: Settlement = {
    messageId: message.id,
    recipientId: recipient.id,
    events: closure
      ? [
          {
            kind: 'postponed',
            recipient: formatAddress(recipient.forwardPath),
            diagnosis,
            nextAttemptAt: closure.until,
          },
        ]
      : [],
    result: tell
      ? {
          kind: 'retry',
          tried: false,
          dueAt,
          ...reasonOf(diagnosis),
          delayReported: true,
          place,
        }
      : { kind: 'wait', dueAt, place, reason: closure && reasonOf(diagnosis) },
  }
  return {
    settlement,
    report: reportWhen(tell, {
      action: 'delayed',
      attempted: { work, recipient, outcome: deferred },
      outcome: deferred,
      nextAttemptAt: closure?.until ?? dueAt,
    }),
  }
}

const inLine: Diagnosis = {
  stage: 'routing',
  cause: 'own-limit',
  status: '4.3.2',
  detail: 'it waits for its turn: much is to go there, and this server sends no more at a time',
}

/** It waits to be fetched: nothing is to be done before the sender is to hear of the delay, or of the end. */
function planKept(
  ended: NotAttempted & { readonly outcome: Kept },
  now: number,
  schedule: RetrySchedule,
): SettlementPlan {
  const { work, recipient, outcome } = ended
  const { diagnosis } = outcome
  const { id: messageId } = work.message
  const expiresAt = endOf(work.message)
  const isOver = now >= expiresAt
  const settle = (result: Settlement['result']): Settlement => ({
    messageId,
    recipientId: recipient.id,
    events: [
      {
        kind: 'kept',
        recipient: formatAddress(recipient.forwardPath),
        domain: recipient.forwardPath.domain,
        until: expiresAt,
        isOver,
      },
    ],
    result,
  })
  const attempted: Attempted = {
    work,
    recipient,
    outcome: { kind: isOver ? 'expired' : 'deferred', diagnosis },
    isKept: true,
  }
  if (isOver) {
    return {
      settlement: settle({ kind: 'done' }),
      report: reportWhen(wantsFailure(attempted), {
        action: 'failed',
        attempted,
        outcome: attempted.outcome,
      }),
    }
  }
  const tell = isDelayToTell(ended, now, schedule)
  const noticeAt = wantsDelay(ended) ? delayNoticeAt(work.message, now, schedule) : undefined
  const dueAt = Math.min(noticeAt ?? expiresAt, expiresAt)
  return {
    settlement: settle({
      kind: 'retry',
      tried: false,
      dueAt,
      ...reasonOf(diagnosis),
      delayReported: tell,
    }),
    report: reportWhen(tell, {
      action: 'delayed',
      attempted,
      outcome: attempted.outcome,
      nextAttemptAt: dueAt,
    }),
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
  const outcome = expireWhenOver(attempted.outcome, message, now)
  const settle = (result: Settlement['result'], next?: NextAttempt): Settlement => ({
    messageId: message.id,
    recipientId: recipient.id,
    events: [
      {
        ...describeAttempt({ ...attempted, outcome }),
        attempt,
        ...next,
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
        report: reportWhen(
          (!outcome.dsnAware && wantsSuccess(attempted)) || wantsHandOver(attempted, outcome),
          {
            action: 'relayed',
            attempted,
            outcome,
          },
        ),
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
            ...reasonOf(outcome.diagnosis),
            delayReported: tell,
            place: attempted.place,
          },
          { nextAttemptAt: dueAt, nextAttemptBecause: whyThen(attempted, dueAt, now, schedule) },
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

function describeAttempt({
  recipient,
  outcome,
  mxHosts,
  dialogue,
  lookup,
  source,
  tls,
}: Attempted): Omit<Extract<TrailEvent, { kind: 'attempted' }>, 'attempt'> {
  return {
    kind: 'attempted',
    recipient: formatAddress(recipient.forwardPath),
    outcome,
    ...(mxHosts ? { mxHosts } : {}),
    ...(dialogue ? { dialogue } : {}),
    ...(lookup ? { lookup } : {}),
    ...(source === undefined ? {} : { source }),
    ...(tls ? { tls } : {}),
  }
}

const minuteMs = 60_000
/** Who is new somewhere is sent away for so long, as a rule; sooner would be in vain. */
const greylistedMs = 5 * minuteMs
const greylistedAttempts = 3
/** Somebody has to make room first, and is not there all the time. */
const mailboxFullMs = 4 * 60 * minuteMs

function leastWaitMs({ outcome }: Attempted, attempts: number, spread: number): number {
  if (outcome.kind !== 'deferred') return 0
  switch (classOf(outcome.diagnosis)) {
    case 'greylisted':
      return attempts <= greylistedAttempts ? greylistedMs * (1 + spread / 5) : 0
    case 'mailbox-full':
      return mailboxFullMs * (1 + spread / 5)
    default:
      return 0
  }
}

/** An attempt when the notice is due, so that it comes when the settings say and not up to a whole wait later. */
function dueAgainAt(
  ended: Attempted,
  attempts: number,
  now: number,
  schedule: RetrySchedule,
  spread: number,
): number {
  const { message } = ended.work
  const scheduled = Math.max(
    schedule.nextAttemptAt(attempts, now, endOf(message), spread),
    Math.min(Math.round(now + leastWaitMs(ended, attempts, spread)), endOf(message)),
  )
  const noticeAt = wantsDelay(ended) ? delayNoticeAt(message, now, schedule) : undefined
  return Math.min(scheduled, noticeAt ?? scheduled)
}

interface NextAttempt {
  readonly nextAttemptAt: number
  readonly nextAttemptBecause: NextAttemptReason
}

function whyThen(
  { work, outcome, place }: Attempted,
  dueAt: number,
  now: number,
  schedule: RetrySchedule,
): NextAttemptReason {
  const { message } = work
  if (dueAt >= endOf(message)) return 'lifetime'
  if (dueAt === delayNoticeAt(message, now, schedule)) return 'delay-notice'
  if (outcome.kind !== 'deferred') return 'schedule'
  const deliveryClass = classOf(outcome.diagnosis)
  if (deliveryClass === 'greylisted' || deliveryClass === 'mailbox-full') return deliveryClass
  return place ? 'destination' : 'schedule'
}

/** Why and where, for whoever looks at the queue as a whole. */
function isDelayToTell(ended: Attempted | NotAttempted, now: number, schedule: RetrySchedule): boolean {
  const { recipient, work } = ended
  return (
    isDelayed(work.message, now, schedule) && recipient.delayReportedAt === undefined && wantsDelay(ended)
  )
}

function expireWhenOver(outcome: DeliveryOutcome, message: QueuedMessage, now: number): DeliveryOutcome {
  if (outcome.kind !== 'deferred' || now < endOf(message)) return outcome
  return { kind: 'expired', diagnosis: isTooLate(message, now) ? tooLate : outcome.diagnosis }
}

/** From when on it could be delivered. */
function startOf({ acceptedAt, releaseAt }: QueuedMessage): number {
  return releaseAt ?? acceptedAt
}

/** RFC 2852 §4.1: what is to be returned when it is late is not tried after that. */
function endOf({ deliverBy, expiresAt }: QueuedMessage): number {
  return deliverBy?.mode === 'return' ? Math.min(deliverBy.at, expiresAt) : expiresAt
}

/** When the sender of a message that is only wanted by a time wants to hear that it is late: then, instead of by the schedule. */
function wantedBy({ deliverBy, acceptedAt }: QueuedMessage): number | undefined {
  return deliverBy?.mode === 'notify' && deliverBy.at > acceptedAt ? deliverBy.at : undefined
}

function isDelayed(message: QueuedMessage, now: number, schedule: RetrySchedule): boolean {
  const at = wantedBy(message)
  return at === undefined ? schedule.isDelayed(startOf(message), now) : now >= at
}

function delayNoticeAt(message: QueuedMessage, now: number, schedule: RetrySchedule): number | undefined {
  const at = wantedBy(message)
  if (at === undefined) return schedule.delayNoticeAt(startOf(message), now)
  return now < at ? at : undefined
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
  const { recipient, work } = ended
  if (!mayReport(ended)) return false
  // RFC 2852 §4.1.4: the request is one for this notice, whatever NOTIFY says, but for NEVER.
  if (wantedBy(work.message) !== undefined) return recipient.notify?.length !== 0
  return recipient.notify?.includes('DELAY') ?? true
}

/** RFC 2852 §4.1.4: whether the next server keeps the time, and with T each hand-over, unless NOTIFY says NEVER. */
function wantsHandOver(
  attempted: Attempted,
  { keepsTime }: { readonly keepsTime?: boolean | undefined },
): boolean {
  const { recipient, work } = attempted
  if (!work.message.deliverBy || recipient.notify?.length === 0 || !mayReport(attempted)) return false
  return keepsTime === false || work.message.deliverBy.trace
}

function reportWhen(wanted: boolean, report: ReportableOutcome): ReportableOutcome | undefined {
  return wanted ? report : undefined
}

function reasonOf({ cause, remoteMta, reply, detail }: Diagnosis): LastReason {
  const said =
    reply && `: ${reply.code}${reply.enhanced ? ` ${reply.enhanced}` : ''} ${reply.lines.join(' ')}`
  return { diagnosis: detail + (said ?? ''), cause, host: remoteMta }
}
