// The trail: written along, read by queue id, by key and by text.
import { defineRead, defineWrite } from '../storage/operation.ts'
import { appendEvent } from './append-event.ts'
import type { TrailRecord } from './events.ts'
import { expireTrail, shrinkTrail } from './expire-trail.ts'
import { findEvents } from './find-events.ts'
import { findReferred, noteOnce } from './find-referred.ts'
import { type EventRow, eventColumns, type FoundRecord, readFound, readRow } from './rows.ts'
import { indexTrail, wantsIndex } from './segments.ts'

export const appendTrail = defineWrite(
  'trail.append',
  async (tx, records: readonly TrailRecord[]): Promise<void> => {
    await tx.forAll(records, ({ at, queueId, event }) => appendEvent(tx, at, queueId, event))
  },
)

/** Everything that happened to a message, oldest first. */
export const trailOfMessage = defineRead(
  'trail.of-message',
  async (tx, input: { readonly queueId: number }): Promise<TrailRecord[]> => {
    const rows = await tx.all<EventRow>(
      `SELECT ${eventColumns} FROM trail_event WHERE queue_id = ? ORDER BY id`,
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
  /** Default: no end. */
  readonly until?: number | undefined
  readonly limit: number
}

/** Newest first. Looks through the newest events one by one; they were appended in the order of their time. */
export const searchTrail = defineRead(
  'trail.search',
  async (tx, input: TrailSearch): Promise<TrailRecord[]> => {
    const { sql, value } = tx.contains('event', asWritten(input.text))
    const rows = await tx.all<EventRow>(
      `SELECT ${eventColumns} FROM trail_event WHERE at >= ? AND at <= ? AND ${sql} ORDER BY id DESC LIMIT ?`,
      input.since,
      input.until ?? Number.MAX_SAFE_INTEGER,
      value,
      input.limit,
    )
    return rows.map(readRow)
  },
)

/** As text stands inside an event, which is JSON: a quote and a backslash have a backslash before them. */
function asWritten(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** The same, with their places in the trail. */
export const eventsOfMessage = defineRead(
  'trail.events-of-message',
  async (tx, input: { readonly queueId: number }): Promise<FoundRecord[]> => {
    const rows = await tx.all<EventRow>(
      `SELECT ${eventColumns} FROM trail_event WHERE queue_id = ? ORDER BY id`,
      input.queueId,
    )
    return rows.map(readFound)
  },
)

/** What has been written after the event with this id, oldest first. */
export const trailAfter = defineRead(
  'trail.after',
  async (tx, input: { readonly afterId: number; readonly limit: number }): Promise<FoundRecord[]> => {
    const rows = await tx.all<EventRow>(
      `SELECT ${eventColumns} FROM trail_event WHERE id > ? ORDER BY id LIMIT ?`,
      input.afterId,
      input.limit,
    )
    return rows.map(readFound)
  },
)

/** The id of the newest event; 0 when there is none. */
export const newestEvent = defineRead('trail.newest', async (tx): Promise<number> => {
  const row = await tx.get<{ id: number }>('SELECT id FROM trail_event ORDER BY id DESC LIMIT 1')
  return row?.id ?? 0
})

/** When the oldest event was written that is not forgotten, ms since 1970. */
export const oldestEventAt = defineRead('trail.oldest', async (tx): Promise<number | undefined> => {
  const row = await tx.get<{ at: number }>('SELECT at FROM trail_event ORDER BY id LIMIT 1')
  return row?.at
})

export const trailOperations = [
  appendTrail,
  trailOfMessage,
  eventsOfMessage,
  searchTrail,
  findEvents,
  trailAfter,
  newestEvent,
  oldestEventAt,
  wantsIndex,
  indexTrail,
  expireTrail,
  shrinkTrail,
  findReferred,
  noteOnce,
] as const
