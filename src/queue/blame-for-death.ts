// Work that may have killed the thread that had it. After a death whatever was under way is a suspect; with each death the
// suspects are tried in smaller groups, and the one that is alone under way at a death is set aside (docs/adr/0005).
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import { appendEvent } from '../trail/append-event.ts'
import { heldBy } from './held-by.ts'
import type { QueueId } from './queue-id.ts'
import { isNoFetchOwner } from './relay-queue.ts'

export interface Blamed {
  /** Recipients that are due again. */
  readonly released: number
  /** The message that waits on hold for an administrator. */
  readonly setAside?: QueueId | undefined
}

export const setAsideReason = 'set aside: the delivery thread died each time it had this message'

/** Gives back the leases of a delivery thread that died, `owner`, or of whoever had some before: for an only server; for the start of the next one. */
export const blameForDeath = defineWrite(
  'queue.blame-for-death',
  async (
    tx,
    { owner, now }: { readonly owner?: string | undefined; readonly now: number },
  ): Promise<Blamed> => {
    const held = heldBy(owner)
    const setAside = await setOnlySuspectAside(tx, owner, now)
    const { changes } = await tx.run(
      // What is being fetched goes on in another thread.
      `UPDATE queue_recipient SET due_at = ?, lease_owner = NULL, deaths = deaths + 1 WHERE ${held.sql} AND ${isNoFetchOwner}`,
      now,
      ...held.values,
    )
    return { released: changes, setAside }
  },
  { wakes: 'queue', waitsForOthers: true },
)

/** Of several suspects each may be the one: they are tried again, fewer at a time. */
async function setOnlySuspectAside(
  tx: Tx,
  owner: string | undefined,
  now: number,
): Promise<QueueId | undefined> {
  const held = heldBy(owner)
  const suspects = await tx.all<{ id: number; message_id: QueueId; forward_path: string }>(
    `SELECT id, message_id, forward_path FROM queue_recipient WHERE deaths > 0 AND ${held.sql}`,
    ...held.values,
  )
  const [first] = suspects
  if (!first || suspects.some(({ message_id }) => message_id !== first.message_id)) return undefined
  for (const { id, message_id: messageId, forward_path: recipient } of suspects) {
    await tx.run(
      "UPDATE queue_recipient SET state = 'held', due_at = ?, lease_owner = NULL, deaths = 0, last_diagnosis = ? WHERE id = ?",
      now,
      setAsideReason,
      id,
    )
    await appendEvent(tx, now, messageId, { kind: 'set-aside', recipient })
  }
  return first.message_id
}

/** Recipients of the message that wait for an administrator because of it. */
export const countSetAside = defineRead(
  'queue.count-set-aside',
  async (tx, { messageId }: { readonly messageId: QueueId }): Promise<number> => {
    const row = await tx.get<{ count: number }>(
      "SELECT count(*) AS count FROM queue_recipient WHERE message_id = ? AND state = 'held' AND last_diagnosis = ?",
      messageId,
      setAsideReason,
    )
    return row?.count ?? 0
  },
)
