// Gives leases back when their owner is gone.
import { defineWrite, type Tx } from '../storage/operation.ts'
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
  { wakes: 'queue', waitsForOthers: true },
)

export interface OwnedRecipient {
  readonly owner: string
  readonly recipientId: number
  readonly now: number
}

/** One recipient, inside somebody's transaction: due now. False: it is not the owner's any more. */
export async function releaseLease(tx: Tx, { owner, recipientId, now }: OwnedRecipient): Promise<boolean> {
  const { changes } = await tx.run(
    'UPDATE queue_recipient SET due_at = ?, lease_owner = NULL WHERE id = ? AND lease_owner = ?',
    now,
    recipientId,
    owner,
  )
  return changes === 1
}

/** Some of what an owner holds, on which it has not begun. */
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
    await tx.forAll(recipientIds, recipientId => releaseLease(tx, { owner, recipientId, now }))
  },
  { wakes: 'queue' },
)
