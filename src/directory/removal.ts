// Removing what belongs to an account or a redirection, inside the transaction of whoever removes it.
import { removeUnreferencedMailData } from '../storage/mail-data-rows.ts'
import type { Tx } from '../storage/operation.ts'

/** The account with its mailboxes; returns the mail data files that are to be discarded after the commit. */
export async function removeAccountRows(tx: Tx, accountId: number): Promise<string[]> {
  // Mail that is being filed comes before its end, and is removed with it, or finds it gone.
  await tx.lockRow('account', accountId)
  const messages = await tx.all<{ mail_data_id: number }>(
    `SELECT mail_data_id FROM mailbox_message WHERE mailbox_id IN (SELECT id FROM mailbox WHERE account_id = ?)
      UNION SELECT mail_data_id FROM expunged_message WHERE account_id = ? ORDER BY mail_data_id`,
    accountId,
    accountId,
  )
  for (const table of [
    'mailbox_message',
    'mailbox_block',
    'mailbox_vanished',
    'mailbox_acl',
    'mailbox_metadata',
  ])
    await tx.run(
      `DELETE FROM ${table} WHERE mailbox_id IN (SELECT id FROM mailbox WHERE account_id = ?)`,
      accountId,
    )
  for (const table of [
    'expunged_message',
    'mailbox_subscription',
    'uid_validity',
    'maildrop_lock',
    'mailbox',
  ])
    await tx.run(`DELETE FROM ${table} WHERE account_id = ?`, accountId)
  await tx.run("DELETE FROM mailbox_acl WHERE holder = 'account' AND holder_id = ?", accountId)
  await tx.run('DELETE FROM mailbox_metadata WHERE reader_id = ?', accountId)
  await tx.run('UPDATE relay_domain SET owner_id = NULL WHERE owner_id = ?', accountId)
  await tx.run('DELETE FROM app_password WHERE account_id = ?', accountId)
  await tx.run('DELETE FROM known_network WHERE account_id = ?', accountId)
  await tx.run('DELETE FROM former_password WHERE account_id = ?', accountId)
  await tx.run('DELETE FROM account_hold WHERE account_id = ?', accountId)
  await tx.run('DELETE FROM sending_count WHERE account_id = ?', accountId)
  await tx.run('DELETE FROM correspondent WHERE account_id = ?', accountId)
  await tx.run('DELETE FROM sender_entry WHERE owner_id = ?', accountId)
  // What all accounts have learned together stays.
  for (const table of ['filter_word', 'filter_total', 'learned_message', 'judgement'])
    await tx.run(`DELETE FROM ${table} WHERE account_id = ?`, accountId)
  await forgetImports(tx, accountId)
  await tx.run('DELETE FROM script WHERE owner_id = ?', accountId)
  await tx.run('DELETE FROM script_memory WHERE account_id = ?', accountId)
  await removeOutsideAliases(tx, 'outside_of = ?', accountId)
  await tx.run('DELETE FROM account WHERE id = ?', accountId)
  const orphanedFiles: string[] = []
  for (const { mail_data_id: id } of messages) {
    const file = await removeUnreferencedMailData(tx, id)
    if (file !== undefined) orphanedFiles.push(file)
  }
  return orphanedFiles
}

async function forgetImports(tx: Tx, accountId: number): Promise<void> {
  const stores = 'SELECT id FROM import_store WHERE account_id = ?'
  await tx.run(
    `DELETE FROM imported_message WHERE folder_id IN (SELECT id FROM import_folder WHERE store_id IN (${stores}))`,
    accountId,
  )
  await tx.run(`DELETE FROM import_folder WHERE store_id IN (${stores})`, accountId)
  await tx.run('DELETE FROM import_store WHERE account_id = ?', accountId)
}

export async function removeRedirectionRows(tx: Tx, redirectionId: number): Promise<void> {
  // Its id may come back, and with it nobody's rights.
  await tx.run("DELETE FROM mailbox_acl WHERE holder = 'group' AND holder_id = ?", redirectionId)
  await tx.run('DELETE FROM redirection_target WHERE redirection_id = ?', redirectionId)
  await tx.run('DELETE FROM redirection WHERE id = ?', redirectionId)
}

async function removeOutsideAliases(
  tx: Tx,
  which: 'outside_of = ?' | 'outside_of IS NOT NULL AND domain = ?',
  value: number | string,
): Promise<void> {
  const rows = await tx.all<{ id: number }>(`SELECT id FROM redirection WHERE ${which}`, value)
  for (const { id } of rows) await removeRedirectionRows(tx, id)
}

/** With what belongs to it alone. */
export async function removeDomainRow(tx: Tx, name: string): Promise<void> {
  await removeOutsideAliases(tx, 'outside_of IS NOT NULL AND domain = ?', name)
  await tx.run('DELETE FROM dkim_key WHERE domain = ?', name)
  await tx.run('DELETE FROM domain WHERE name = ?', name)
}
