// Appends to the trail, inside somebody's transaction.
import type { Tx } from '../storage/operation.ts'
import type { TrailEvent } from './events.ts'

export async function appendEvent(
  tx: Tx,
  at: number,
  queueId: number | undefined,
  event: TrailEvent,
): Promise<void> {
  await tx.run(
    'INSERT INTO trail_event (queue_id, at, event) VALUES (?, ?, ?)',
    queueId ?? null,
    at,
    JSON.stringify(event),
  )
}
