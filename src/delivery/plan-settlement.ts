// From an outcome to what the queue does with the recipient and what the sender is told (RFC 3461 §5.2, RFC 5321 §4.5.4.1).

import { formatAddress } from '../address/format-address.ts'
import type { ReportCause } from '../bounce/report.ts'
import type { ScriptTrace } from '../filtering/script-trace.ts'
import { type GatePlace, gateLookMs } from '../queue/gates.ts'
import type { NewRecipient } from '../queue/new-message.ts'
import type { ClaimedWork, LastReason, QueuedMessage, QueuedRecipient } from '../queue/records.ts'
import type { Settlement } from '../queue/settle.ts'
import type { ScriptResult } from '../queue/settle-script.ts'
import type { SealName, SignatureName } from '../signing/message-signer.ts'
import type { AddressNews } from '../suppression/note-suppression.ts'
import type { TlsEvidence } from '../tls-policy/server-policy.ts'
import type {
  FetchedOn,
  Lookup,
  NextAttemptReason,
  PassedServer,
  SentForm,
  TrailEvent,
} from '../trail/events.ts'
import type { DeliveryOutcome, Diagnosis, Kept, Moved, OnHold, Waiting } from './outcome.ts'
import type { Closure } from './pacing/destination-health.ts'
import { askedWaitMs } from './replies/asked-wait.ts'
import { diagnoseUntried } from './replies/diagnose.ts'
import { classOf } from './replies/reply-class.ts'
import type { RetrySchedule } from './retry-schedule.ts'
import { endOf, isTooLate, tooLate } from './transfer/deliver-by.ts'

/** One recipient after one attempt. */
export interface Attempted {
  readonly work: ClaimedWork
  readonly recipient: QueuedRecipient
  readonly outcome: DeliveryOutcome
  /** Where a delivered message is to be filed. */
  readonly filing?: Omit<Extract<Settlement['result'], { kind: 'file' }>, 'kind'> | undefined
  /** What the script of the account makes of it, in the place of `filing`. */
  readonly script?: Omit<ScriptResult, 'kind'> | undefined
  readonly filter?: ScriptTrace | undefined
  /** The sender learns of the failure in another way. */
  readonly isTold?: true | undefined
  /** Who takes the place of an expanded recipient. */
  readonly into?: readonly NewRecipient[] | undefined
  readonly mxHosts?: readonly string[] | undefined
  readonly dialogue?: readonly string[] | undefined
  readonly tls?: readonly TlsEvidence[] | undefined
  /** Where it may be tried again before its own time. */
  readonly place?: GatePlace | undefined
  /** Of `place`. What closes it is asked when the settlement is planned: what the reply taught is known then. */
  readonly gate?: { readonly closure: Closure | undefined } | undefined
  /** It was not tried this time: its time was over, or the sender was to be told. */
  readonly isUntried?: boolean | undefined
  readonly lookup?: Lookup | undefined
  /** The address of ours from which it went, where the settings say one. */
  readonly source?: string | undefined
  readonly sent?: SentForm | undefined
  readonly passed?: readonly PassedServer[] | undefined
  readonly fetched?: FetchedOn | undefined
  readonly signatures?: readonly SignatureName[] | undefined
  /** Why it has none, where it should have. */
  readonly unsigned?: string | undefined
  readonly seal?: SealName | undefined
  /** The suppression list has its address as one that does not exist. */
  readonly isListedDead?: boolean | undefined
}

/** One recipient whose turn came without an attempt. */
export interface NotAttempted {
  readonly work: ClaimedWork
  readonly recipient: QueuedRecipient
  readonly outcome: Waiting | Kept | Moved | OnHold
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
  const { outcome } = ended
  switch (outcome.kind) {
    case 'kept':
      return planTurn(turnOfKept(ended, outcome), now, schedule)
    case 'waiting':
      return planTurn(turnInLine(ended, outcome, now), now, schedule)
    case 'moved':
      return {
        settlement: {
          messageId: ended.work.message.id,
          recipientId: ended.recipient.id,
          events: [],
          result: { kind: 'move', shard: outcome.shard },
        },
      }
    case 'on-hold':
      return {
        settlement: {
          messageId: ended.work.message.id,
          recipientId: ended.recipient.id,
          events: [
            {
              kind: 'account-held',
              recipient: formatAddress(ended.recipient.forwardPath),
              account: outcome.account,
              because: outcome.because,
            },
          ],
          result: { kind: 'hold' },
        },
      }
    default:
      return outcome satisfies never
  }
}

export function isAttempted(ended: Attempted | NotAttempted): ended is Attempted {
  const { kind } = ended.outcome
  return kind !== 'waiting' && kind !== 'kept' && kind !== 'moved' && kind !== 'on-hold'
}

/** Whether the sender is to hear that it has failed, or that its time is over. */
export function isFailureToTell(ended: Attempted | NotAttempted, now: number): boolean {
  switch (ended.outcome.kind) {
    case 'failed':
    case 'expired':
      return wantsFailure(ended)
    case 'deferred':
    case 'waiting':
    case 'kept':
      return now >= endOf(ended.work.message) && wantsFailure(ended)
    default:
      return false
  }
}

/** A recipient whose turn came without an attempt. */
interface Turn {
  readonly work: ClaimedWork
  readonly recipient: QueuedRecipient
  /** Why it was not tried. */
  readonly diagnosis: Diagnosis
  /** `attempted`: as whom the reports speak of it; deferred, or expired. */
  readonly eventsOf: (attempted: Attempted) => readonly TrailEvent[]
  /** Where it stands in line, and whether nobody is let in there. */
  readonly place?: GatePlace | undefined
  readonly isClosed?: boolean | undefined
  /** It is looked at again then, at the latest. */
  readonly lookAt: number
  readonly nextAttemptAt?: number | undefined
}

/** Its sender is told of a delay, and of the end of its time, as if it had been tried. */
function planTurn(turn: Turn, now: number, schedule: RetrySchedule): SettlementPlan {
  const { work, recipient, diagnosis, place } = turn
  const end = endOf(work.message)
  const isOver = now >= end
  const outcome: DeliveryOutcome = { kind: isOver ? 'expired' : 'deferred', diagnosis }
  const attempted: Attempted = { work, recipient, outcome, isUntried: true }
  const settle = (result: Settlement['result']): Settlement => ({
    messageId: work.message.id,
    recipientId: recipient.id,
    events: turn.eventsOf(attempted),
    result,
  })
  if (isOver) {
    return {
      settlement: settle({ kind: 'done' }),
      report: reportWhen(wantsFailure(attempted), { action: 'failed', attempted, outcome }),
    }
  }
  const tell = isDelayToTell(attempted, now, schedule)
  const noticeAt = wantsDelay(attempted) ? delayNoticeAt(work.message, now, schedule) : undefined
  const dueAt = Math.min(turn.lookAt, end, noticeAt ?? Infinity)
  return {
    settlement: settle(
      place && !tell
        ? { kind: 'wait', dueAt, place, reason: turn.isClosed ? reasonOf(diagnosis) : undefined }
        : {
            kind: 'retry',
            tried: false,
            dueAt,
            ...reasonOf(diagnosis),
            delayReported: tell,
            place,
          },
    ),
    report: reportWhen(tell, {
      action: 'delayed',
      attempted,
      outcome,
      nextAttemptAt: turn.nextAttemptAt ?? dueAt,
    }),
  }
}

/** It stands in line. */
function turnInLine(
  { work, recipient }: Pick<NotAttempted, 'work' | 'recipient'>,
  outcome: Waiting,
  now: number,
): Turn {
  const { place, closure } = outcome
  const diagnosis = isTooLate(work.message, now)
    ? tooLate
    : closure
      ? diagnoseClosure(closure, recipient)
      : soFar(recipient)
  const postponed: readonly TrailEvent[] = closure
    ? [
        {
          kind: 'postponed',
          recipient: formatAddress(recipient.forwardPath),
          diagnosis,
          nextAttemptAt: closure.until,
        },
      ]
    : []
  return {
    work,
    recipient,
    diagnosis,
    eventsOf: attempted =>
      attempted.outcome.kind === 'expired'
        ? [{ ...describeAttempt(attempted), attempt: recipient.attempts }]
        : postponed,
    place,
    isClosed: closure !== undefined,
    lookAt: place ? now + gateLookMs : (closure?.until ?? now + minuteMs),
    nextAttemptAt: closure?.until,
  }
}

/** What this recipient was answered itself stays the reason; what others were answered is not said of it. */
function diagnoseClosure({ diagnosis }: Closure, { lastReason }: QueuedRecipient): Diagnosis {
  return lastReason?.diagnosis === reasonOf(diagnosis).diagnosis ? diagnosis : diagnoseUntried(diagnosis)
}

const inLine: Diagnosis = {
  stage: 'routing',
  cause: 'own-limit',
  status: '4.3.2',
  detail: 'it waits for its turn: much is to go there, and this server sends no more at a time',
}

/** Nothing closes the line any more, but the turn has not come: what there was before tells more. RFC 3463 §3.5: 4.4.7. */
function soFar({ lastReason }: QueuedRecipient): Diagnosis {
  if (lastReason?.cause === undefined) return inLine
  const { cause, diagnosis, host } = lastReason
  return {
    stage: 'routing',
    cause: cause as ReportCause,
    status: '4.4.7',
    remoteMta: host,
    detail: diagnosis,
  }
}

/** It waits to be fetched: nothing is to be done before the sender is to hear of the delay, or of the end. */
function turnOfKept(
  { work, recipient }: Pick<NotAttempted, 'work' | 'recipient'>,
  { diagnosis }: Kept,
): Turn {
  return {
    work,
    recipient,
    diagnosis,
    eventsOf: ({ outcome }) => [
      {
        kind: 'kept',
        recipient: formatAddress(recipient.forwardPath),
        domain: recipient.forwardPath.domain,
        until: endOf(work.message),
        isOver: outcome.kind === 'expired',
      },
    ],
    lookAt: Infinity,
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
  const attempt = recipient.attempts + (attempted.isUntried ? 0 : 1)
  const outcome = expireWhenOver(attempted.outcome, message, now)
  const done: Settlement['result'] = attempted.script
    ? { kind: 'script', ...attempted.script }
    : { kind: 'done' }
  const settle = (result: Settlement['result'], next?: NextAttempt['told']): Settlement => ({
    messageId: message.id,
    recipientId: recipient.id,
    events: [
      {
        ...describeAttempt({ ...attempted, outcome }),
        attempt,
        ...next,
      },
    ],
    about: newsOfAddress({ ...attempted, outcome }),
    result,
  })
  switch (outcome.kind) {
    case 'delivered':
    case 'discarded':
    case 'shown':
      return {
        settlement: settle(attempted.filing ? { kind: 'file', ...attempted.filing } : done),
        report: reportWhen(wantsSuccess(attempted), { action: 'delivered', attempted, outcome }),
      }
    case 'relayed':
      // RFC 3461 §5.2.2: a server that offers DSN reports the success itself; for another one we can say only 'relayed'.
      return {
        settlement: settle({ kind: 'done' }),
        report: reportWhen(
          (!outcome.dsnAware && wantsSuccess(attempted)) || wantsHandOver(attempted, outcome),
          {
            action: outcome.isFinal ? 'delivered' : 'relayed',
            attempted,
            outcome,
          },
        ),
      }
    case 'expanded': {
      const into = attempted.into ?? []
      // RFC 3461 §5.2.7: with a single target the request for a report travels on with it; with several it ends here.
      return {
        settlement: settle(attempted.script ? done : { kind: 'expand', into }),
        report: reportWhen(into.length !== 1 && wantsSuccess(attempted), {
          action: 'expanded',
          attempted,
          outcome,
        }),
      }
    }
    case 'deferred': {
      const next = planNextAttempt(attempted, attempt, now, schedule, spread)
      const dueAt = next.dueAt
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
          next.told,
        ),
        report: reportWhen(tell, {
          action: 'delayed',
          attempted,
          outcome,
          nextAttemptAt: next.told.nextAttemptAt,
        }),
      }
    }
    case 'failed':
    case 'expired':
      return {
        settlement: settle(done),
        report: reportWhen(wantsFailure(attempted), {
          action: 'failed',
          attempted,
          outcome,
        }),
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
  sent,
  passed,
  fetched,
  tls,
  signatures,
  unsigned,
  seal,
  filter,
}: Attempted): Omit<Extract<TrailEvent, { kind: 'attempted' }>, 'attempt'> {
  return {
    kind: 'attempted',
    recipient: formatAddress(recipient.forwardPath),
    outcome,
    ...(mxHosts ? { mxHosts } : {}),
    ...(dialogue ? { dialogue } : {}),
    ...(lookup ? { lookup } : {}),
    ...(source === undefined ? {} : { source }),
    ...(sent ? { sent } : {}),
    ...(passed ? { passed } : {}),
    ...(fetched ? { fetched } : {}),
    ...(tls ? { tls } : {}),
    ...(signatures ? { signatures } : {}),
    ...(unsigned === undefined ? {} : { unsigned }),
    ...(seal ? { seal } : {}),
    ...(filter ? { filter } : {}),
  }
}

const minuteMs = 60_000
/** Who is new somewhere is sent away for so long, as a rule; sooner would be in vain. */
const greylistedMs = 5 * minuteMs
const greylistedAttempts = 3
/** Somebody has to make room first, and is not there all the time. */
const mailboxFullMs = 4 * 60 * minuteMs

interface LeastWait {
  readonly ms: number
  readonly because: NextAttemptReason
}

function findLeastWait({ outcome }: Attempted, attempts: number): LeastWait | undefined {
  if (outcome.kind !== 'deferred') return undefined
  const { reply } = outcome.diagnosis
  const askedMs = reply && askedWaitMs(reply)
  switch (classOf(outcome.diagnosis)) {
    case 'mailbox-full':
      return { ms: mailboxFullMs, because: 'mailbox-full' }
    case 'greylisted':
      if (askedMs === undefined && attempts <= greylistedAttempts)
        return { ms: greylistedMs, because: 'greylisted' }
      break
    default:
  }
  return askedMs === undefined ? undefined : { ms: askedMs, because: 'asked' }
}

interface NextAttempt {
  /** It leaves its line then, at the latest. */
  readonly dueAt: number
  readonly told: Pick<
    Extract<TrailEvent, { kind: 'attempted' }>,
    'nextAttemptAt' | 'nextAttemptBecause' | 'closedUntil'
  >
}

function planNextAttempt(
  ended: Attempted,
  attempts: number,
  now: number,
  schedule: RetrySchedule,
  spread: number,
): NextAttempt {
  const { message } = ended.work
  const end = endOf(message)
  const least = findLeastWait(ended, attempts)
  const leastAt = least ? Math.min(Math.round(now + least.ms * (1 + spread / 5)), end) : now
  const scheduledAt = schedule.nextAttemptAt(attempts, now, end, spread)
  const wishedAt = Math.max(scheduledAt, leastAt)
  const noticeAt = delayNoticeAt(message, now, schedule)
  // An attempt when the notice is due, so that it comes when the settings say and not up to a whole wait later.
  const dueAt = wantsDelay(ended) ? Math.min(wishedAt, noticeAt ?? wishedAt) : wishedAt
  // It stands in line, and goes as soon as others go there; at a closed gate its own time changes nothing.
  if (ended.place) {
    const closedUntil = ended.gate?.closure?.until
    const nextAttemptAt = Math.max(dueAt, closedUntil ?? dueAt)
    const goesFromOther = ended.source !== undefined && closedUntil === undefined
    const nextAttemptBecause = goesFromOther ? 'other-address' : 'destination'
    return { dueAt, told: { nextAttemptAt, nextAttemptBecause, closedUntil } }
  }
  const because = (): NextAttemptReason => {
    if (dueAt >= end) return 'lifetime'
    if (dueAt === noticeAt) return 'delay-notice'
    return least && leastAt >= scheduledAt ? least.because : 'schedule'
  }
  return { dueAt, told: { nextAttemptAt: dueAt, nextAttemptBecause: because() } }
}

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
function wantsFailure(ended: Attempted | NotAttempted): boolean {
  if (!mayReport(ended) || (isAttempted(ended) && ended.isTold)) return false
  return ended.recipient.notify?.includes('FAILURE') ?? true
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

/** RFC 5321 §4.2.4 leaves it to the receiver what a 550 is about: what counts is what its words mean, as far as they are known. */
export function newsOfAddress({ recipient, outcome, isListedDead }: Attempted): AddressNews | undefined {
  const address = recipient.forwardPath
  if (outcome.kind === 'relayed') return isListedDead ? { kind: 'alive', address } : undefined
  if (outcome.kind !== 'failed' || outcome.diagnosis.isAtStore) return undefined
  const { diagnosis } = outcome
  const { diagnosis: detail } = reasonOf(diagnosis)
  // Without a reply it is an address of ours.
  if (diagnosis.reply && classOf(diagnosis) === 'unknown-user')
    return { kind: 'dead', address, reason: 'unknown-user', detail }
  if (diagnosis.stage === 'dns' && diagnosis.cause === 'unknown-domain')
    return { kind: 'dead', address, reason: 'unknown-domain', detail }
  return undefined
}

/** Why and where, for whoever looks at the queue as a whole. */
function reasonOf({ cause, remoteMta, reply, detail }: Diagnosis): LastReason {
  const said =
    reply && `: ${reply.code}${reply.enhanced ? ` ${reply.enhanced}` : ''} ${reply.lines.join(' ')}`
  return { diagnosis: detail + (said ?? ''), cause, host: remoteMta }
}
