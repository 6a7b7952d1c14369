// The key of a mailbox, by which the URLs of its messages are authorized (RFC 4467 §5): made when one is first needed.
import { defineRead, defineWrite } from '../storage/operation.ts'
import { findMailboxNamed } from './mailbox-names.ts'
import { findOpenMailbox, lockAccounts, lockOpenMailbox, type OpenMailbox } from './mailbox-row.ts'

interface KeyRow {
  readonly url_key: Uint8Array | null
}

const selectKey = 'SELECT url_key FROM mailbox WHERE id = ?'

/** undefined: there is none, so no URL is worth anything. */
export const findUrlKey = defineRead(
  'mailbox.find-url-key',
  async (tx, { mailbox }: { readonly mailbox: OpenMailbox }): Promise<Uint8Array | undefined> =>
    (await findOpenMailbox(tx, mailbox)) &&
    ((await tx.get<KeyRow>(selectKey, mailbox.mailboxId))?.url_key ?? undefined),
)

/** The one that holds: another session may have been faster. undefined: the mailbox has gone. */
export const createUrlKey = defineWrite(
  'mailbox.create-url-key',
  async (
    tx,
    { mailbox, key }: { readonly mailbox: OpenMailbox; readonly key: Uint8Array },
  ): Promise<Uint8Array | undefined> => {
    if (!(await lockOpenMailbox(tx, mailbox))) return undefined
    await tx.run('UPDATE mailbox SET url_key = ? WHERE id = ? AND url_key IS NULL', key, mailbox.mailboxId)
    return (await tx.get<KeyRow>(selectKey, mailbox.mailboxId))?.url_key ?? undefined
  },
)

/** Of one mailbox, or of all that the account has. */
export const removeUrlKeys = defineWrite(
  'mailbox.remove-url-keys',
  async (
    tx,
    { accountId, name }: { readonly accountId: number; readonly name: string | undefined },
  ): Promise<'removed' | 'missing'> => {
    await lockAccounts(tx, accountId)
    if (name === undefined) {
      await tx.run(
        'UPDATE mailbox SET url_key = NULL WHERE account_id = ? AND url_key IS NOT NULL',
        accountId,
      )
      return 'removed'
    }
    const mailbox = await findMailboxNamed(tx, accountId, name)
    if (!mailbox) return 'missing'
    await tx.run('UPDATE mailbox SET url_key = NULL WHERE id = ?', mailbox.id)
    return 'removed'
  },
)
