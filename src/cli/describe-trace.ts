// The trail of a message as a timeline for people, and how the message stands now. Text only: whoever has the records may ask.
import { formatAddressForPeople } from '../address/format-address.ts'
import { formatDomainsForPeople } from '../address/parse-domain.ts'
import type { ShownMessage, ShownRecipient } from '../queue/list-queue.ts'
import { formatQueueId, type QueueId, timeOfQueueId } from '../queue/queue-id.ts'
import type { TrailRecord } from '../trail/events.ts'
import { collapseRuns, type More } from './collapse-runs.ts'
import { describeOpening, describePlace, opensTooLate } from './describe-gate.ts'
import { describeEvent } from './format-trail.ts'
import { listNames } from './group-standings.ts'
import { joinRecipients } from './join-recipients.ts'
import type { Prospects } from './prospects.ts'
import { formatCount, formatRelative, formatTime } from './quantities.ts'
import { describeRelease, standingOf } from './standing.ts'

export interface TracedMessage {
  readonly queueId: QueueId
  /** Oldest first. */
  readonly records: readonly TrailRecord[]
  /** More has happened than the records tell: the oldest was forgotten, for its age or for room. */
  readonly isBeginningForgotten?: boolean | undefined
  /** What is left of it in the queue. */
  readonly queued: ShownMessage | undefined
  /** Reports to its sender that could not be delivered, by their queue ids: why not. */
  readonly lostReports?: ReadonlyMap<string, string> | undefined
}

export interface TraceStyle {
  readonly now: number
  readonly retentionDays: number
  readonly withDialogue: boolean
  readonly prospects: Prospects
  /** Default: of steps that are alike, one after the other, the first and the last; of recipients who fared alike, the first. */
  readonly withAll?: boolean | undefined
  /** Who is asked about. */
  readonly recipient?: string | undefined
}

export function describeTrace(
  { queueId, records, isBeginningForgotten = false, queued, lostReports }: TracedMessage,
  style: TraceStyle,
): string {
  const joined = style.withAll ? undefined : joinRecipients(records, style.recipient)
  const steps = joined ? collapseRuns(joined.records) : records
  const lines = steps.flatMap(step => {
    if ('count' in step) return [describeMore(step)]
    const alike = joined?.others.get(step)
    const lost = step.event.kind === 'reported' ? lostReports?.get(step.event.reportId) : undefined
    return [
      ...describeRecord(step, style.withDialogue),
      ...(lost === undefined
        ? []
        : [`${indent}This report could not be delivered: ${formatDomainsForPeople(lost)}`]),
      ...(alike ? [describeOthers(alike)] : []),
    ]
  })
  if (isRefused(records)) return ['Not taken:', ...lines].join('\n')
  const told = isBeginningForgotten ? [describeForgotten(queueId, style), ...lines] : lines
  return [
    ...told,
    ...(told.length === 0 ? [] : ['']),
    ...describeKept(queueId, records),
    ...describeNow(queued, records, style),
  ].join('\n')
}

/** It never became a message: the id is that of the reply. */
export function isRefused(records: readonly TrailRecord[]): boolean {
  return (
    records.length > 0 && records.every(({ event: { kind } }) => kind === 'refused' || kind === 'turned-away')
  )
}

export function describeForgotten(
  queueId: QueueId,
  { now, retentionDays }: Pick<TraceStyle, 'now' | 'retentionDays'>,
): string {
  const because = isOlderThan(queueId, now, retentionDays)
    ? `after ${formatCount(retentionDays, 'day')} (trail.retentionDays)`
    : 'to make room (trail.maxMegabytes)'
  return `It came ${formatTime(timeOfQueueId(queueId))}. The beginning of its trail was forgotten ${because}.`
}

/** Its trail is forgotten for its age. */
export function isOlderThan(queueId: QueueId, now: number, retentionDays: number): boolean {
  return timeOfQueueId(queueId) < now - retentionDays * dayMs
}

const dayMs = 24 * 3_600_000

function describeMore({ count, since, until }: More): string {
  const when = since === until ? formatTime(since) : `${formatTime(since)} to ${formatTime(until)}`
  return `${indent}… the same ${count === 1 ? 'once more' : `${count} more times`}, ${when}; --all shows each`
}

function describeOthers(recipients: readonly string[]): string {
  return `${indent}… the same for ${formatDomainsForPeople(listNames(recipients))}; --all shows each`
}

const indent = ' '.repeat(21)

/** The lines of one step. */
export function describeRecord({ at, event }: TrailRecord, withDialogue: boolean): string[] {
  const { text, notes = [], dialogue } = describeEvent(event)
  return [
    `${formatTime(at)}  ${formatDomainsForPeople(text)}`,
    ...notes.map(note => `${indent}${formatDomainsForPeople(note)}`),
    ...(withDialogue ? dialogue.map(line => `${indent}  ${line}`) : []),
  ]
}

/** For whom it is in the quarantine. */
function keptAside(records: readonly TrailRecord[]): readonly string[] {
  const kept = new Set<string>()
  for (const { event } of records) {
    if (event.kind === 'quarantined') for (const recipient of event.recipients) kept.add(recipient)
    if (event.kind === 'quarantine-ended') for (const recipient of event.recipients) kept.delete(recipient)
  }
  return [...kept]
}

function describeKept(queueId: QueueId, records: readonly TrailRecord[]): string[] {
  const kept = keptAside(records)
  if (kept.length === 0) return []
  const id = formatQueueId(queueId)
  return [
    `Now: ${kept.join(', ')} ${kept.length === 1 ? 'does' : 'do'} not get it before an administrator has looked: "postrider quarantine show ${id}", "postrider quarantine release ${id}".`,
  ]
}

function describeNow(
  queued: ShownMessage | undefined,
  records: readonly TrailRecord[],
  { now, prospects }: Pick<TraceStyle, 'now' | 'prospects'>,
): string[] {
  if (!queued || queued.recipients.length === 0)
    return keptAside(records).length > 0 ? [] : ['Now: nothing is left to do; it is no longer in the queue.']
  const byState = Map.groupBy(queued.recipients, recipient =>
    describeState(queued, recipient, { now, prospects }),
  )
  return [...byState].map(([state, recipients]) => {
    const names = listNames(recipients.map(({ forwardPath }) => formatAddressForPeople(forwardPath)))
    return `Now: ${names} ${recipients.length === 1 ? state : state.replace(/^is /, 'are ').replace(/^stands /, 'stand ')}`
  })
}

/** Behind the address. */
function describeState(
  { message }: ShownMessage,
  recipient: ShownRecipient,
  { now, prospects }: Pick<TraceStyle, 'now' | 'prospects'>,
): string {
  const standing = standingOf(recipient, now, message.releaseAt)
  const endAt = prospects.endFor(message, recipient)
  const end = formatTime(endAt)
  switch (standing.kind) {
    case 'underway':
      return 'is being delivered.'
    case 'held':
      return `is held. ${describeRelease(message, now)}`
    case 'suspect':
      return 'is due, and is tried apart from others, because the delivery thread died when it had this message.'
    case 'scheduled':
      return `is delivered ${formatRelative(standing.until, now)}, as its sender wants.`
    case 'kept':
      return `is kept for the server of its domain, which fetches it, until ${end}.`
    case 'in-line': {
      const gate = prospects.gateOf(recipient) ?? { of: 'destination', name: standing.gate }
      const late = opensTooLate(gate, endAt) ? ` It is given up before, at ${end}.` : ''
      return `stands in line ${describePlace(gate, true)}. ${describeOpening(gate, now)}${late}`
    }
    case 'due':
      return 'is due, and waits for its turn.'
    case 'waiting':
      return `is tried again ${formatRelative(standing.until, now)}, until ${end}.`
    default:
      return standing satisfies never
  }
}
