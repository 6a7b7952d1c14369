// The index of the trail (docs/adr/0017): a thousand events after the other, in the order of their ids, with a filter that says
// what is not among them. Made behind the events, so that who appends one pays nothing for it.
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import type { TrailEvent } from './events.ts'
import { makeFilter } from './filter.ts'
import { keysOf, markOf, parseMarks } from './keys.ts'

/** Events of a segment. */
export const segmentSize = 1024
/** What an event takes beside its text. */
export const rowBytes = 120
/** A transaction that took an id and has not committed after this time never will. */
const settledMs = 10 * 60_000

interface SegmentEvent {
  readonly id: number
  readonly at: number
  readonly size: number
  readonly keys: string | null
  /** Only where a server of an older version wrote it, without keys. */
  readonly event: string | null
}

/** Makes the next segment when all its events are there; returns whether it did. */
export const indexTrail = defineWrite(
  'trail.index',
  async (tx, { now }: { readonly now: number }): Promise<boolean> => {
    const last = await lastIndexed(tx)
    const events = await tx.all<SegmentEvent>(
      `SELECT id, at, length(event) AS size, keys, CASE WHEN keys IS NULL THEN event END AS event
         FROM trail_event WHERE id > ? ORDER BY id LIMIT ?`,
      last,
      segmentSize,
    )
    const [first] = events
    const end = events.at(-1)
    if (!first || !end || events.length < segmentSize) return false
    // Where several write, an id that is not there yet may come: its transaction is still under way, or was given up.
    const isWhole = end.id - first.id === segmentSize - 1 && (last === 0 || first.id === last + 1)
    if (!isWhole && Math.max(...events.map(({ at }) => at)) > now - settledMs) return false
    const marks = new Set(events.flatMap(marksOf))
    // Another server may have made it this moment: the same one.
    await tx.run(
      'INSERT INTO trail_segment (first_id, last_id, first_at, last_at, bytes, filter) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (first_id) DO NOTHING',
      first.id,
      end.id,
      Math.min(...events.map(({ at }) => at)),
      Math.max(...events.map(({ at }) => at)),
      events.reduce((sum, { size }) => sum + size + rowBytes, 0),
      makeFilter(marks),
    )
    return true
  },
)

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

function marksOf({ keys, event }: SegmentEvent): number[] {
  if (keys !== null) return parseMarks(keys)
  return event === null ? [] : [...keysOf(JSON.parse(event) as TrailEvent)].map(markOf)
}
