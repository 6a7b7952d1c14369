// Forgets the oldest of the trail, in small steps: what is too old, and what is too much.
import { defineWrite, type Tx } from '../storage/operation.ts'
import { lastIndexed, rowBytes } from './segments.ts'

/** Forgets events older than `before`, at most `limit` of them; returns how many. */
export const expireTrail = defineWrite(
  'trail.expire',
  async (tx, input: { readonly before: number; readonly limit: number }): Promise<number> => {
    const { changes } = await tx.run(
      'DELETE FROM trail_event WHERE at < ? AND id IN (SELECT id FROM trail_event ORDER BY id LIMIT ?)',
      input.before,
      input.limit,
    )
    if (changes > 0) await forgetIndexes(tx, input.limit)
    return changes
  },
)

/** While the trail takes more than `maxBytes`: forgets the oldest events, at most `limit` of them; returns how many. */
export const shrinkTrail = defineWrite(
  'trail.shrink',
  async (tx, input: { readonly maxBytes: number; readonly limit: number }): Promise<number> => {
    if ((await sizeOfTrail(tx)) <= input.maxBytes) return 0
    const { changes } = await tx.run(
      'DELETE FROM trail_event WHERE id IN (SELECT id FROM trail_event ORDER BY id LIMIT ?)',
      input.limit,
    )
    if (changes > 0) await forgetIndexes(tx, input.limit)
    return changes
  },
)

/** `events`: so many were forgotten, at most. */
async function forgetIndexes(tx: Tx, events: number): Promise<void> {
  const oldest = await tx.get<{ id: number; at: number }>(
    'SELECT id, at FROM trail_event ORDER BY id LIMIT 1',
  )
  await tx.run('DELETE FROM trail_segment WHERE last_id < ?', oldest?.id ?? Number.MAX_SAFE_INTEGER)
  // An event has two at most.
  await tx.run(
    'DELETE FROM trail_reference WHERE at < ? AND id IN (SELECT id FROM trail_reference ORDER BY id LIMIT ?)',
    oldest?.at ?? Number.MAX_SAFE_INTEGER,
    2 * events,
  )
}

/** About: what the segments were found to have, less what is gone of the oldest, and what is in none yet. */
async function sizeOfTrail(tx: Tx): Promise<number> {
  const inSegments = await tx.get<{ bytes: number }>(
    'SELECT COALESCE(SUM(bytes + octet_length(filter)), 0) AS bytes FROM trail_segment',
  )
  const afterwards = await tx.get<{ bytes: number }>(
    `SELECT COALESCE(SUM(octet_length(event) + ${rowBytes}), 0) AS bytes FROM trail_event WHERE id > ?`,
    await lastIndexed(tx),
  )
  const first = await tx.get<{ first_id: number; last_id: number; bytes: number }>(
    'SELECT first_id, last_id, bytes FROM trail_segment ORDER BY first_id LIMIT 1',
  )
  const oldest = await tx.get<{ id: number }>('SELECT id FROM trail_event ORDER BY id LIMIT 1')
  const gone =
    first && oldest && oldest.id > first.first_id
      ? (first.bytes * (oldest.id - first.first_id)) / (first.last_id - first.first_id + 1)
      : 0
  return (inSegments?.bytes ?? 0) + (afterwards?.bytes ?? 0) - gone
}
