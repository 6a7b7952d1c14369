// The trail: written along, read by queue id or by address.
import { defineRead, defineWrite } from '../storage/operation.ts'
import { appendEvent } from './append-event.ts'
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

/** Forgets events older than `before`, at most `limit` of them; returns how many. */
export const expireTrail = defineWrite(
  'trail.expire',
  async (tx, input: { readonly before: number; readonly limit: number }): Promise<number> => {
    const { changes } = await tx.run(
      'DELETE FROM trail_event WHERE at < ? AND id IN (SELECT id FROM trail_event ORDER BY id LIMIT ?)',
      input.before,
      input.limit,
    )
    return changes
  },
)

export const trailOperations = [appendTrail, trailOfMessage, searchTrail, expireTrail] as const
