// The trail of a message as a timeline for people, and how the message stands now. Text only: whoever has the records may ask.
import { formatAddressForPeople } from '../address/format-address.ts'
import { formatDomainsForPeople } from '../address/parse-domain.ts'
import type { ShownMessage } from '../queue/list-queue.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import type { TrailRecord } from '../trail/events.ts'
import { describeEvent } from './format-trail.ts'
import { formatRelative, formatTime } from './quantities.ts'
import { standingOf } from './standing.ts'

export interface TracedMessage {
  readonly queueId: QueueId
  /** Oldest first. */
  readonly records: readonly TrailRecord[]
  /** What is left of it in the queue. */
  readonly queued: ShownMessage | undefined
}

export interface TraceStyle {
  readonly now: number
  readonly withDialogue: boolean
}

export function describeTrace({ records, queued }: TracedMessage, style: TraceStyle): string {
  const lines = records.flatMap(record => describeRecord(record, style.withDialogue))
  return [...lines, '', ...describeNow(queued, style.now)].join('\n')
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

function describeNow(queued: ShownMessage | undefined, now: number): string[] {
  if (!queued || queued.recipients.length === 0)
    return ['Now: nothing is left to do; it is no longer in the queue.']
  const id = formatQueueId(queued.message.id)
  return queued.recipients.map(recipient => {
    const address = formatAddressForPeople(recipient.forwardPath)
    const standing = standingOf(recipient, now, queued.message.releaseAt)
    switch (standing.kind) {
      case 'underway':
        return `Now: ${address} is being delivered.`
      case 'held':
        return `Now: ${address} is held. "postrider queue release ${id}" delivers it.`
      case 'suspect':
        return `Now: ${address} is due, and is tried apart from others, because the delivery thread died when it had this message.`
      case 'scheduled':
        return `Now: ${address} is delivered ${formatRelative(standing.until, now)}, as its sender wants.`
      case 'kept':
        return `Now: ${address} is kept for the server of its domain, which fetches it, until ${formatTime(queued.message.expiresAt)}.`
      case 'in-line':
        return `Now: ${address} stands in line (${standing.gate}), and goes when there is room.`
      case 'due':
        return `Now: ${address} is due, and waits for its turn.`
      case 'waiting':
        return `Now: ${address} is tried again ${formatRelative(standing.until, now)}, until ${formatTime(queued.message.expiresAt)}.`
      default:
        return standing satisfies never
    }
  })
}
