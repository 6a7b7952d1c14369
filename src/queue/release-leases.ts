// Gives leases back when their owner is gone.
import { defineWrite } from '../storage/operation.ts'
import { heldBy } from './held-by.ts'

/** Makes what `owner` holds due now; without an owner what anybody holds: for the start of the only server. */
export const releaseLeases = defineWrite(
  'queue.release-leases',
  async (
    tx,
    { owner, now }: { readonly owner?: string | undefined; readonly now: number },
  ): Promise<number> => {
    const held = heldBy(owner)
    const { changes } = await tx.run(
      `UPDATE queue_recipient SET due_at = ?, lease_owner = NULL WHERE ${held.sql}`,
      now,
      ...held.values,
    )
    return changes
  },
  { wakes: 'queue' },
)

/** The same for some of what it holds and has not begun on. */
export const giveBack = defineWrite(
  'queue.give-back',
  async (
    tx,
    {
      owner,
      recipientIds,
      now,
    }: { readonly owner: string; readonly recipientIds: readonly number[]; readonly now: number },
  ): Promise<void> => {
    await tx.forAll(recipientIds, id =>
      tx.run(
        'UPDATE queue_recipient SET due_at = ?, lease_owner = NULL WHERE id = ? AND lease_owner = ?',
        now,
        id,
        owner,
      ),
    )
  },
  { wakes: 'queue' },
)
