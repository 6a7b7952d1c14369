// Prolongs leases while an attempt runs.
import { defineWrite } from '../storage/operation.ts'

export const extendLease = defineWrite(
  'queue.extend-lease',
  async (
    tx,
    input: { readonly owner: string; readonly recipientIds: readonly number[]; readonly leaseUntil: number },
  ) => {
    // What is being settled needs no lease any more, and is not waited for.
    await tx.forAll(input.recipientIds, id =>
      tx.run(
        `UPDATE queue_recipient SET due_at = ? WHERE id = (SELECT id FROM queue_recipient WHERE id = ? AND lease_owner = ? ${tx.skipLocked})`,
        input.leaseUntil,
        id,
        input.owner,
      ),
    )
  },
)
