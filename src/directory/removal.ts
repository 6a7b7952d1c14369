// Removing what belongs to an account or a redirection, inside the transaction of whoever removes it.
import type { Tx } from '../storage/operation.ts'

/** The account with its mailboxes. Mail data that no row names any longer is cleared away by the storage. */
export async function removeAccountRows(tx: Tx, accountId: number): Promise<void> {
  await tx.run(
    'DELETE FROM mailbox_message WHERE mailbox_id IN (SELECT id FROM mailbox WHERE account_id = ?)',
    accountId,
  )
  await tx.run('DELETE FROM mailbox WHERE account_id = ?', accountId)
  await tx.run('DELETE FROM account WHERE id = ?', accountId)
}

export async function removeRedirectionRows(tx: Tx, redirectionId: number): Promise<void> {
  await tx.run('DELETE FROM redirection_target WHERE redirection_id = ?', redirectionId)
  await tx.run('DELETE FROM redirection WHERE id = ?', redirectionId)
}
