// The index of the trail (docs/adr/0017): a thousand events after the other, in the order of their ids, with a filter that says
// what is not among them. Made behind the events, so that who appends one pays nothing for it.
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import type { TrailEvent } from './events.ts'
import { makeFilter } from './filter.ts'
import { collectMarks, marksOf } from './keys.ts'

/** Events of a segment. */
export const segmentSize = 1024
/** What an event takes beside its text. */
export const rowBytes = 120
/** A transaction that took an id and has not committed after this time never will. */
const settledMs = 10 * 60_000

interface NextSegment {
  readonly events: number
  readonly first_id: number
  readonly last_id: number
  readonly first_at: number
  readonly last_at: number
  readonly bytes: number
  /** Without those of events that a server of an older version wrote. */
  readonly marked: number
  readonly marks: string | null
}

/** Makes the next segment when all its events are there; returns whether it did. */
export const indexTrail = defineWrite(
  'trail.index',
  async (tx, { now }: { readonly now: number }): Promise<boolean> => {
    const last = await lastIndexed(tx)
    const next = await tx.get<NextSegment>(
      `SELECT COUNT(*) AS events, MIN(id) AS first_id, MAX(id) AS last_id, MIN(at) AS first_at, MAX(at) AS last_at,
          SUM(octet_length(event)) AS bytes, COUNT(keys) AS marked, string_agg(keys, '') AS marks
        FROM (SELECT id, at, event, keys FROM trail_event WHERE id > ? ORDER BY id LIMIT ?) AS next_events`,
      last,
      segmentSize,
    )
    if (!next || next.events < segmentSize) return false
    // Where several write, an id that is not there yet may come: its transaction is still under way, or was given up.
    const isWhole =
      next.last_id - next.first_id === segmentSize - 1 && (last === 0 || next.first_id === last + 1)
    if (!isWhole && next.last_at > now - settledMs) return false
    const marks = new Set<number>()
    collectMarks(next.marks ?? '', marks)
    if (next.marked < next.events) await collectFromEvents(tx, next, marks)
    // Another server may have made it this moment: the same one.
    await tx.run(
      'INSERT INTO trail_segment (first_id, last_id, first_at, last_at, bytes, filter) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (first_id) DO NOTHING',
      next.first_id,
      next.last_id,
      next.first_at,
      next.last_at,
      next.bytes + next.events * rowBytes,
      makeFilter(marks),
    )
    return true
  },
)

async function collectFromEvents(tx: Tx, next: NextSegment, marks: Set<number>): Promise<void> {
  const rows = await tx.all<{ event: string }>(
    'SELECT event FROM trail_event WHERE id >= ? AND id <= ? AND keys IS NULL',
    next.first_id,
    next.last_id,
  )
  for (const { event } of rows) collectMarks(marksOf(JSON.parse(event) as TrailEvent), marks)
}

/** Whether there are events for another segment. */
export const wantsIndex = defineRead('trail.wants-index', async (tx): Promise<boolean> => {
  const last = await lastIndexed(tx)
  const row = await tx.get(
    `SELECT id FROM trail_event WHERE id > ? ORDER BY id LIMIT 1 OFFSET ${segmentSize - 1}`,
    last,
  )
  return row !== undefined
})

/** The id of the last event that is in a segment; 0 when none is. */
export async function lastIndexed(tx: Tx): Promise<number> {
  const row = await tx.get<{ last_id: number }>(
    'SELECT last_id FROM trail_segment ORDER BY first_id DESC LIMIT 1',
  )
  return row?.last_id ?? 0
}
