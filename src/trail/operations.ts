// The trail: written along, read by queue id or by address.

import type { QueueId } from '../queue/queue-id.ts'
import { defineRead, defineWrite } from '../storage/operation.ts'
import { appendEvent, appendEventOnce } from './append-event.ts'
import type { TrailEvent, TrailRecord } from './events.ts'

interface EventRow {
  readonly id: number
  readonly queue_id: number | null
  readonly at: number
  readonly event: string
}

function readRow(row: EventRow): TrailRecord {
  return { at: row.at, queueId: row.queue_id ?? undefined, event: JSON.parse(row.event) as TrailEvent }
}

export const appendTrail = defineWrite(
  'trail.append',
  async (tx, records: readonly TrailRecord[]): Promise<void> => {
    for (const { at, queueId, event } of records) await appendEvent(tx, at, queueId, event)
  },
)

/** Everything that happened to a message, oldest first. */
export const trailOfMessage = defineRead(
  'trail.of-message',
  async (tx, input: { readonly queueId: number }): Promise<TrailRecord[]> => {
    const rows = await tx.all<EventRow>(
      'SELECT id, queue_id, at, event FROM trail_event WHERE queue_id = ? ORDER BY id',
      input.queueId,
    )
    return rows.map(readRow)
  },
)

export interface TrailSearch {
  /** Anywhere in the event: an address, a session id, a host name. */
  readonly text: string
  /** ms since 1970. */
  readonly since: number
  readonly limit: number
}

/** Newest first. Looks through the newest events one by one; they were appended in the order of their time. */
export const searchTrail = defineRead(
  'trail.search',
  async (tx, input: TrailSearch): Promise<TrailRecord[]> => {
    const rows = await tx.all<EventRow>(
      `SELECT id, queue_id, at, event FROM trail_event WHERE at >= ? AND event ${tx.likeAnyCase} ? ESCAPE '\\' ORDER BY id DESC LIMIT ?`,
      input.since,
      `%${asWritten(input.text).replaceAll(/[\\%_]/g, '\\$&')}%`,
      input.limit,
    )
    return rows.map(readRow)
  },
)

/** As text stands inside an event, which is JSON: a quote and a backslash have a backslash before them. */
function asWritten(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

export interface ReferenceQuestion {
  readonly queueIds: readonly number[]
  /** As `references.ts` makes them, the surest first. */
  readonly references: readonly string[]
}

export interface ReferredMessage {
  readonly queueId: QueueId
  readonly reversePath: string
  /** Undefined: it was asked for by its queue id. */
  readonly reference?: string | undefined
}

/** As many newest ones of a reference are looked at. */
const maxReferred = 3

/** Messages that the trail knows: those by queue id, then those by reference, in the order of the question. */
export const findReferred = defineRead(
  'trail.find-referred',
  async (tx, { queueIds, references }: ReferenceQuestion): Promise<ReferredMessage[]> => {
    const found: ReferredMessage[] = []
    const look = async (queueId: number, reference?: string): Promise<void> => {
      const row = await tx.get<Pick<EventRow, 'event'>>(
        'SELECT event FROM trail_event WHERE queue_id = ? ORDER BY id LIMIT 1',
        queueId,
      )
      const event = row && (JSON.parse(row.event) as TrailEvent)
      if (event?.kind === 'received')
        found.push({ queueId, reversePath: event.reception.reversePath, reference })
    }
    for (const queueId of queueIds) await look(queueId)
    for (const reference of references) {
      const rows = await tx.all<{ queue_id: number }>(
        'SELECT queue_id FROM trail_reference WHERE value = ? ORDER BY id DESC LIMIT ?',
        reference,
        maxReferred,
      )
      for (const row of rows) await look(row.queue_id, reference)
    }
    return found
  },
)

/** For a writer that may have been here before: each event stands once in the trail of its message. */
export const noteOnce = defineWrite(
  'trail.note-once',
  async (
    tx,
    input: { readonly at: number; readonly queueId: QueueId; readonly events: readonly TrailEvent[] },
  ): Promise<void> => {
    for (const event of input.events) await appendEventOnce(tx, input.at, input.queueId, event)
  },
)

/** Forgets events older than `before`, at most `limit` of them; returns how many. */
export const expireTrail = defineWrite(
  'trail.expire',
  async (tx, input: { readonly before: number; readonly limit: number }): Promise<number> => {
    const { changes } = await tx.run(
      'DELETE FROM trail_event WHERE at < ? AND id IN (SELECT id FROM trail_event ORDER BY id LIMIT ?)',
      input.before,
      input.limit,
    )
    // Each came with an event, so there are never more of them to forget.
    await tx.run(
      'DELETE FROM trail_reference WHERE at < ? AND id IN (SELECT id FROM trail_reference ORDER BY id LIMIT ?)',
      input.before,
      2 * input.limit,
    )
    return changes
  },
)

export const trailOperations = [
  appendTrail,
  trailOfMessage,
  searchTrail,
  findReferred,
  noteOnce,
  expireTrail,
] as const
