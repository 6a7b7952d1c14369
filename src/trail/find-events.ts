// Which events have one of several keys: newest first, page by page. Most segments are passed over by their filter; of the others
// only the events with the right mark are read, and what they hold is compared.
import { defineRead, type SqlValue, type Tx } from '../storage/operation.ts'
import type { TrailEvent } from './events.ts'
import { mayHave } from './filter.ts'
import { formatMark, keysOf, markOf, type TrailKey } from './keys.ts'
import { findPlaces } from './places.ts'
import { type EventRow, eventColumns, type FoundRecord, readFound } from './rows.ts'
import { lastIndexed } from './segments.ts'

export interface EventSearch {
  /** At least one of them; none: every event. */
  readonly anyOf: readonly TrailKey[]
  /** ms since 1970. */
  readonly since: number
  readonly until: number
  /** Only events with a smaller id: a page after the first. */
  readonly beforeId?: number | undefined
  readonly limit: number
}

export interface EventPage {
  readonly records: readonly FoundRecord[]
  /** Where the next page begins; undefined: this was the last one. */
  readonly goOnBefore: number | undefined
}

/** A page looks at so many segments at most: a few million events. */
const maxSegments = 4096
const segmentsAtOnce = 128

export const findEvents = defineRead('trail.find', async (tx, search: EventSearch): Promise<EventPage> => {
  const before = search.beforeId ?? Number.MAX_SAFE_INTEGER
  const last = await lastIndexed(tx)
  const records: FoundRecord[] = []
  const take = async (from: number, below: number): Promise<boolean> => {
    records.push(...(await findWithin(tx, search, from, below, search.limit - records.length)))
    return records.length >= search.limit
  }
  const pageEnd = (): EventPage => ({ records, goOnBefore: records.at(-1)?.id })
  if (before > last + 1 && (await take(last + 1, before))) return pageEnd()
  const marks = search.anyOf.map(markOf)
  let lowest = Math.min(before, last + 1)
  for (let looked = 0; looked < maxSegments; looked += segmentsAtOnce) {
    const segments = await tx.all<Segment>(
      `SELECT first_id, last_id, filter FROM trail_segment
        WHERE first_id < ? AND last_at >= ? AND first_at <= ? ORDER BY first_id DESC LIMIT ?`,
      lowest,
      search.since,
      search.until,
      segmentsAtOnce,
    )
    for (const { first_id: first, last_id: end, filter } of segments) {
      lowest = first
      if (marks.length > 0 && !marks.some(mark => mayHave(filter, mark))) continue
      const below = Math.min(before, end + 1)
      if (marks.length === 0) {
        if (await take(first, below)) return pageEnd()
        continue
      }
      records.push(
        ...(await findPlaced(tx, search, { first, below, marks, limit: search.limit - records.length })),
      )
      if (records.length >= search.limit) return pageEnd()
    }
    if (segments.length < segmentsAtOnce) return { records, goOnBefore: undefined }
  }
  return { records, goOnBefore: lowest }
})

interface Segment {
  readonly first_id: number
  readonly last_id: number
  readonly filter: Uint8Array
}

interface Placed {
  readonly first: number
  readonly below: number
  readonly marks: readonly number[]
  readonly limit: number
}

/** The events of a segment that have one of the marks. */
async function findPlaced(
  tx: Tx,
  { anyOf, since, until }: EventSearch,
  { first, below, marks, limit }: Placed,
): Promise<FoundRecord[]> {
  const segment = await tx.get<{ places: Uint8Array }>(
    'SELECT places FROM trail_segment WHERE first_id = ?',
    first,
  )
  if (!segment) return []
  const offsets = new Set(marks.flatMap(mark => findPlaces(segment.places, mark)))
  const found: FoundRecord[] = []
  for (const offset of [...offsets].toSorted((a, b) => b - a)) {
    if (found.length === limit) break
    if (first + offset >= below) continue
    const row = await tx.get<EventRow>(`SELECT ${eventColumns} FROM trail_event WHERE id = ?`, first + offset)
    if (!row || row.at < since || row.at > until) continue
    const record = readFound(row)
    if (hasAny(record.event, anyOf)) found.push(record)
  }
  return found
}

/** From the id `from` to below `below`. */
async function findWithin(
  tx: Tx,
  { anyOf, since, until }: EventSearch,
  from: number,
  below: number,
  limit: number,
): Promise<FoundRecord[]> {
  const found: FoundRecord[] = []
  // What a server of an older version wrote has no marks.
  const condition =
    anyOf.length === 0 ? '' : `AND (keys IS NULL${anyOf.map(() => ' OR keys LIKE ?').join('')})`
  const patterns: SqlValue[] = anyOf.map(key => `% ${formatMark(markOf(key))} %`)
  for (let lowest = below; found.length < limit; ) {
    const wanted = limit - found.length
    const rows = await tx.all<EventRow>(
      `SELECT ${eventColumns} FROM trail_event WHERE id >= ? AND id < ? AND at >= ? AND at <= ? ${condition}
        ORDER BY id DESC LIMIT ?`,
      from,
      lowest,
      since,
      until,
      ...patterns,
      wanted,
    )
    found.push(...rows.map(readFound).filter(({ event }) => hasAny(event, anyOf)))
    if (rows.length < wanted) break
    lowest = rows.at(-1)?.id ?? from
  }
  return found
}

export function hasAny(event: TrailEvent, anyOf: readonly TrailKey[]): boolean {
  if (anyOf.length === 0) return true
  const keys = keysOf(event)
  return anyOf.some(key => keys.has(key))
}
