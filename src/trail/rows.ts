// The rows of the trail, and what they stand for.
import type { TrailEvent, TrailRecord } from './events.ts'

export interface EventRow {
  readonly id: number
  readonly queue_id: number | null
  readonly at: number
  readonly event: string
}

export const eventColumns = 'id, queue_id, at, event'

/** With its place in the trail. */
export interface FoundRecord extends TrailRecord {
  readonly id: number
}

export function readRow(row: EventRow): TrailRecord {
  return { at: row.at, queueId: row.queue_id ?? undefined, event: JSON.parse(row.event) as TrailEvent }
}

export function readFound(row: EventRow): FoundRecord {
  return { id: row.id, ...readRow(row) }
}
