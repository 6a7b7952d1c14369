// Work that may have killed the thread that had it. After a first death whatever was under way is a suspect, and
// suspects are tried one message at a time; the one that is under way at a second death is set aside (docs/adr/0005).
import { defineWrite, type Tx } from '../storage/operation.ts'
import { appendEvent } from '../trail/append-event.ts'
import type { QueueId } from './queue-id.ts'

export interface Blamed {
  /** Recipients that are due again. */
  readonly released: number
  /** Messages that wait on hold for an administrator. */
  readonly setAside: readonly QueueId[]
}

export const setAsideReason = 'set aside: the delivery thread died twice while it had this message'

/** Gives back every lease of a delivery thread that died; for the start of the next one. */
export const blameForDeath = defineWrite(
  'queue.blame-for-death',
  async (tx, { now }: { readonly now: number }): Promise<Blamed> => {
    const setAside = await setSuspectAside(tx, now)
    const { changes } = await tx.run(
      'UPDATE queue_recipient SET due_at = ?, lease_owner = NULL, deaths = ? WHERE lease_owner IS NOT NULL',
      now,
      // With a suspect under way the others are above suspicion.
      setAside.length > 0 ? 0 : 1,
    )
    return { released: changes, setAside }
  },
  { wakes: 'queue' },
)

async function setSuspectAside(tx: Tx, now: number): Promise<QueueId[]> {
  const suspects = await tx.all<{ id: number; message_id: QueueId; forward_path: string }>(
    'SELECT id, message_id, forward_path FROM queue_recipient WHERE deaths > 0 AND lease_owner IS NOT NULL',
  )
  for (const { id, message_id: messageId, forward_path: recipient } of suspects) {
    await tx.run(
      "UPDATE queue_recipient SET state = 'held', due_at = ?, lease_owner = NULL, deaths = 0, last_diagnosis = ? WHERE id = ?",
      now,
      setAsideReason,
      id,
    )
    await appendEvent(tx, now, messageId, { kind: 'set-aside', recipient })
  }
  return [...new Set(suspects.map(({ message_id }) => message_id))]
}
