// Whether an account has a message already, in any of its mailboxes; inside somebody's transaction.
import type { Tx } from '../storage/operation.ts'

export async function holdsMessage(tx: Tx, accountId: number, queueId: number): Promise<boolean> {
  const held = await tx.get(
    `SELECT 1 AS found FROM mailbox_message JOIN mailbox ON mailbox.id = mailbox_id
      WHERE mail_data_id = ? AND account_id = ? LIMIT 1`,
    queueId,
    accountId,
  )
  return held !== undefined
}
