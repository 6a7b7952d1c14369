// The index of the trail (docs/adr/0017): a thousand ids after the other, with a filter that says what is not among their events,
// and the places of what is. Made behind the events, so that who appends one pays nothing for it.
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import type { TrailEvent } from './events.ts'
import { makeFilter } from './filter.ts'
import { collectMarks, marksOf } from './keys.ts'
import { makePlaces, type Place } from './places.ts'

/** Ids of a segment. */
export const segmentSize = 1024
/** What an event takes beside its text. */
export const rowBytes = 120
/** A transaction that took an id and has not committed after this time never will. */
const settledMs = 10 * 60_000

interface NextSegment {
  readonly events: number
  readonly first_at: number | null
  readonly last_at: number | null
  readonly bytes: number | null
  /** '0: 0a1b2 3c4d5 /1: …': of each event its place and its marks; '0:' of one that a server of an older version wrote. */
  readonly marks: string | null
}

/** Makes the next segment when all its events are there; returns whether it did. */
export const indexTrail = defineWrite(
  'trail.index',
  async (tx, { now }: { readonly now: number }): Promise<boolean> => {
    const range = await nextRange(tx)
    if (!range) return false
    const { firstId, lastId } = range
    const next = await tx.get<NextSegment>(
      `SELECT COUNT(*) AS events, MIN(at) AS first_at, MAX(at) AS last_at, SUM(octet_length(event)) AS bytes,
          string_agg(CAST(id - ? AS TEXT) || ':' || COALESCE(keys, ''), '/') AS marks
        FROM trail_event WHERE id >= ? AND id <= ?`,
      firstId,
      firstId,
      lastId,
    )
    const lastAt = next?.last_at
    if (!next || lastAt === null || lastAt === undefined) return false
    // Where several write, an id that is not there yet may come: its transaction is still under way, or was given up.
    if (next.events < segmentSize && lastAt > now - settledMs) return false
    const places = readPlaces(next.marks ?? '')
    await addUnmarked(tx, range, places)
    // Another server may have made it this moment: the same one.
    await tx.run(
      `INSERT INTO trail_segment (first_id, last_id, first_at, last_at, bytes, filter, places)
        VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (first_id) DO NOTHING`,
      firstId,
      lastId,
      next.first_at ?? 0,
      lastAt,
      (next.bytes ?? 0) + next.events * rowBytes,
      makeFilter(new Set(places.map(({ mark }) => mark))),
      makePlaces(places),
    )
    return true
  },
)

function readPlaces(text: string): Place[] {
  const places: Place[] = []
  for (const part of text.split('/')) {
    const colon = part.indexOf(':')
    const offset = Number(part.slice(0, colon))
    const marks = new Set<number>()
    collectMarks(part.slice(colon + 1), marks)
    for (const mark of marks) places.push({ mark, offset })
  }
  return places
}

async function addUnmarked(tx: Tx, { firstId, lastId }: Range, places: Place[]): Promise<void> {
  const rows = await tx.all<{ id: number; event: string }>(
    'SELECT id, event FROM trail_event WHERE id >= ? AND id <= ? AND keys IS NULL',
    firstId,
    lastId,
  )
  for (const { id, event } of rows)
    places.push(...readPlaces(`${id - firstId}:${marksOf(JSON.parse(event) as TrailEvent)}`))
}

/** Whether there are events for another segment. */
export const wantsIndex = defineRead(
  'trail.wants-index',
  async (tx): Promise<boolean> => (await nextRange(tx)) !== undefined,
)

interface Range {
  readonly firstId: number
  readonly lastId: number
}

/** The ids of the next segment, when some event has the last of them or a greater one. */
async function nextRange(tx: Tx): Promise<Range | undefined> {
  const first = await tx.get<{ id: number }>(
    'SELECT id FROM trail_event WHERE id > ? ORDER BY id LIMIT 1',
    await lastIndexed(tx),
  )
  const newest = await tx.get<{ id: number }>('SELECT id FROM trail_event ORDER BY id DESC LIMIT 1')
  if (!first || !newest) return undefined
  const firstId = await firstOfNext(tx, first.id)
  const lastId = firstId + segmentSize - 1
  return newest.id < lastId ? undefined : { firstId, lastId }
}

/** The id after the last segment's, though its event may still come; after a forgotten past the first that is there. */
async function firstOfNext(tx: Tx, firstThere: number): Promise<number> {
  const last = await lastIndexed(tx)
  return last === 0 || firstThere > last + segmentSize ? firstThere : last + 1
}

/** The id of the last event that is in a segment; 0 when none is. */
export async function lastIndexed(tx: Tx): Promise<number> {
  const row = await tx.get<{ last_id: number }>(
    'SELECT last_id FROM trail_segment ORDER BY first_id DESC LIMIT 1',
  )
  return row?.last_id ?? 0
}
