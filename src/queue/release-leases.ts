// Gives leases back when their owner is gone.
import { defineWrite } from '../storage/operation.ts'

/** Makes what `owner` holds due now; without an owner what anybody holds: for the start of the only server. */
export const releaseLeases = defineWrite(
  'queue.release-leases',
  async (tx, input: { readonly owner?: string | undefined; readonly now: number }): Promise<number> => {
    const { changes } =
      input.owner === undefined
        ? await tx.run(
            'UPDATE queue_recipient SET due_at = ?, lease_owner = NULL WHERE lease_owner IS NOT NULL',
            input.now,
          )
        : await tx.run(
            'UPDATE queue_recipient SET due_at = ?, lease_owner = NULL WHERE lease_owner = ?',
            input.now,
            input.owner,
          )
    return changes
  },
  { wakes: 'queue' },
)
