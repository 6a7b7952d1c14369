// INBOX as a maildrop (RFC 1939 §4): for one POP3 session at a time, on whichever thread or server, and changed by it once, at its
// end. A lock is a lease: its owner moves its end on while it lives, so that none outlives whoever has it (docs/adr/0034).
import { defineWrite, type Tx } from '../storage/operation.ts'
import { changeFlags } from './change-flags.ts'
import { removeMessages } from './expunge.ts'
import { findMailboxNamed, makeMailbox } from './mailbox-names.ts'
import { findOpenMailbox, lockAccounts, type OpenMailbox } from './mailbox-row.ts'
import { flags } from './message-state.ts'
import type { UidRange } from './uid-ranges.ts'

export interface MaildropLock {
  readonly accountId: number
  /** Whoever renews it, with all others of his. */
  readonly owner: string
  /** Of this lock and no other: who loses one may take another of the same account. */
  readonly token: string
}

export type MaildropLocked =
  | { readonly kind: 'locked'; readonly mailbox: OpenMailbox }
  | { readonly kind: 'in-use' }

/** INBOX is made where there is none yet. */
export const lockMaildrop = defineWrite(
  'mailbox.lock-maildrop',
  async (
    tx,
    input: { readonly lock: MaildropLock; readonly expiresAt: number; readonly now: number },
  ): Promise<MaildropLocked> => {
    const { lock, expiresAt, now } = input
    const { accountId, owner, token } = lock
    await lockAccounts(tx, accountId)
    const { changes } = await tx.run(
      `INSERT INTO maildrop_lock (account_id, owner, token, expires_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (account_id) DO UPDATE SET owner = excluded.owner, token = excluded.token,
           expires_at = excluded.expires_at
         WHERE maildrop_lock.expires_at < ?`,
      accountId,
      owner,
      token,
      expiresAt,
      now,
    )
    if (changes === 0) return { kind: 'in-use' }
    const { id, uidValidity } =
      (await findMailboxNamed(tx, accountId, 'INBOX')) ??
      (await makeMailbox(tx, { accountId, name: 'INBOX', now }))
    return { kind: 'locked', mailbox: { accountId, mailboxId: id, uidValidity } }
  },
)

/** Of all locks of this owner. It waits for no other write, or others would take him for dead. */
export const renewMaildropLocks = defineWrite(
  'mailbox.renew-maildrop-locks',
  async (tx, { owner, expiresAt }: { readonly owner: string; readonly expiresAt: number }): Promise<void> => {
    await tx.run('UPDATE maildrop_lock SET expires_at = ? WHERE owner = ?', expiresAt, owner)
  },
  { isUrgent: true },
)

export const unlockMaildrop = defineWrite('mailbox.unlock-maildrop', async (tx, lock: MaildropLock) => {
  await unlock(tx, lock)
})

/** False: somebody else has it, since it had run out, or it is nobody's. */
async function unlock(tx: Tx, { accountId, owner, token }: MaildropLock): Promise<boolean> {
  const { changes } = await tx.run(
    'DELETE FROM maildrop_lock WHERE account_id = ? AND owner = ? AND token = ?',
    accountId,
    owner,
    token,
  )
  return changes > 0
}

async function isHeld(tx: Tx, { accountId, owner, token }: MaildropLock): Promise<boolean> {
  const row = await tx.get(
    'SELECT 1 AS found FROM maildrop_lock WHERE account_id = ? AND owner = ? AND token = ?',
    accountId,
    owner,
    token,
  )
  return row !== undefined
}

export interface MaildropUpdate {
  readonly lock: MaildropLock
  readonly mailbox: OpenMailbox
  /** What is not there any more is passed over. Some thousand messages at most: others wait for the end of this transaction. */
  readonly deleted: readonly UidRange[]
  /** They get \Seen. */
  readonly seen: readonly UidRange[]
  /** Whether the lock goes with it. */
  readonly afterwards: 'unlock' | 'go-on'
  readonly now: number
}

/** All of it, or nothing: 'lock-lost' where somebody else may have the maildrop by now. */
export const updateMaildrop = defineWrite(
  'mailbox.update-maildrop',
  async (tx, update: MaildropUpdate): Promise<'updated' | 'lock-lost'> => {
    const { lock, mailbox: open, deleted, seen, afterwards, now } = update
    await lockAccounts(tx, lock.accountId)
    if (!(afterwards === 'unlock' ? await unlock(tx, lock) : await isHeld(tx, lock))) return 'lock-lost'
    const mailbox = await findOpenMailbox(tx, open)
    // Removed, or another of its name: its messages are gone, and with them whatever was to be done.
    if (!mailbox) return 'updated'
    if (seen.length > 0)
      await changeFlags.run(tx, { ...open, ranges: seen, mode: 'add', flags: flags.seen, keywords: [] })
    await removeMessages(tx, mailbox, await findThere(tx, mailbox.id, deleted), now)
    return 'updated'
  },
)

/** Without those of which nothing is left. */
async function findThere(
  tx: Tx,
  mailboxId: number,
  ranges: readonly UidRange[],
): Promise<readonly UidRange[]> {
  const found = await tx.forAll(ranges, ({ first, last }) =>
    tx.all(
      'SELECT 1 AS found FROM mailbox_message WHERE mailbox_id = ? AND uid BETWEEN ? AND ? LIMIT 1',
      mailboxId,
      first,
      last,
    ),
  )
  return ranges.filter((_, at) => (found[at]?.length ?? 0) > 0)
}
