// Appends to the trail, inside somebody's transaction.
import type { Tx } from '../storage/operation.ts'
import type { TrailEvent } from './events.ts'
import { marksOf } from './keys.ts'
import { referencesOf } from './references.ts'

export async function appendEvent(
  tx: Tx,
  at: number,
  queueId: number | undefined,
  event: TrailEvent,
): Promise<void> {
  await tx.run(
    'INSERT INTO trail_event (queue_id, at, event, keys) VALUES (?, ?, ?, ?)',
    queueId ?? null,
    at,
    JSON.stringify(event),
    marksOf(event),
  )
  if (queueId === undefined) return
  await tx.forAll(referencesOf(event), value =>
    tx.run('INSERT INTO trail_reference (value, queue_id, at) VALUES (?, ?, ?)', value, queueId, at),
  )
}

/** For a writer that may have been here before, with the same event. */
export async function appendEventOnce(tx: Tx, at: number, queueId: number, event: TrailEvent): Promise<void> {
  const there = await tx.get(
    'SELECT 1 AS found FROM trail_event WHERE queue_id = ? AND event = ? LIMIT 1',
    queueId,
    JSON.stringify(event),
  )
  if (!there) await appendEvent(tx, at, queueId, event)
}
