// Makes, renames and removes the mailboxes of an account, and keeps which of them it is subscribed to
// (RFC 9051 §6.3.4 to §6.3.8).
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import { moveRowsTo } from './copy-messages.ts'
import { removeMessages } from './expunge.ts'
import {
  boundsBelow,
  delimiter,
  findMailboxNamed,
  findMailboxOfUse,
  isTooLong,
  makeMailbox,
  subscribeTo,
  usualUseOf,
  wakeNames,
} from './mailbox-names.ts'
import {
  lockAccounts,
  type Mailbox,
  type MailboxRow,
  mailboxColumns,
  readMailbox,
  type SpecialUse,
} from './mailbox-row.ts'

export interface MailboxName {
  readonly accountId: number
  readonly name: string
}

/** By their names. */
export const listMailboxes = defineRead(
  'mailbox.list',
  async (tx, { accountId }: Pick<MailboxName, 'accountId'>): Promise<readonly Mailbox[]> => {
    const rows = await tx.all<MailboxRow>(
      `SELECT ${mailboxColumns} FROM mailbox WHERE account_id = ? ORDER BY name`,
      accountId,
    )
    return rows.map(readMailbox)
  },
)

export const findMailbox = defineRead(
  'mailbox.find',
  async (tx, { accountId, name }: MailboxName): Promise<Mailbox | undefined> =>
    await findMailboxNamed(tx, accountId, name),
)

/** An account has at most so many: they are listed as a whole. */
export const maxMailboxes = 10_000

export type MailboxCreated =
  | { readonly kind: 'created'; readonly mailbox: Mailbox }
  | { readonly kind: 'exists' | 'special-use-taken' | 'too-many' }

/**
 * With the levels above it that are missing (RFC 9051 §6.3.4). What has gone and is made anew under its usual name is for what it was for:
 * programs that make it do not say so. Programs subscribe to what they want to see themselves; INBOX everybody does.
 */
export const createMailbox = defineWrite(
  'mailbox.create',
  async (
    tx,
    input: MailboxName & { readonly specialUse?: SpecialUse | undefined; readonly now: number },
  ): Promise<MailboxCreated> => {
    const { accountId, name } = input
    const use = input.specialUse ?? usualUseOf(name)
    await lockAccounts(tx, accountId)
    if (await findMailboxNamed(tx, accountId, name)) return { kind: 'exists' }
    const isTaken = use !== undefined && (await findMailboxOfUse(tx, accountId, use)) !== undefined
    if (isTaken && input.specialUse) return { kind: 'special-use-taken' }
    const levels = name.split(delimiter)
    if ((await countMailboxes(tx, accountId)) + levels.length > maxMailboxes) return { kind: 'too-many' }
    await makeSuperiors(tx, input)
    const specialUse = isTaken ? undefined : use
    const mailbox = await makeMailbox(tx, { ...input, specialUse, isSubscribed: name === 'INBOX' })
    return { kind: 'created', mailbox }
  },
)

async function countMailboxes(tx: Tx, accountId: number): Promise<number> {
  const row = await tx.get<{ count: number }>(
    'SELECT count(*) AS count FROM mailbox WHERE account_id = ?',
    accountId,
  )
  return row?.count ?? 0
}

async function makeSuperiors(tx: Tx, { accountId, name, now }: MailboxName & { readonly now: number }) {
  const levels = name.split(delimiter)
  for (let depth = 1; depth < levels.length; depth++) {
    const superior = levels.slice(0, depth).join(delimiter)
    if (!(await findMailboxNamed(tx, accountId, superior)))
      await makeMailbox(tx, { accountId, name: superior, isSubscribed: false, now })
  }
}

/** Its messages are kept aside as when they are expunged; mailboxes below it stay. INBOX cannot be removed. */
export const removeMailbox = defineWrite(
  'mailbox.remove',
  async (
    tx,
    { accountId, name, now }: MailboxName & { readonly now: number },
  ): Promise<'removed' | 'missing'> => {
    await lockAccounts(tx, accountId)
    const mailbox = await findMailboxNamed(tx, accountId, name)
    if (!mailbox) return 'missing'
    if (mailbox.messages > 0)
      await removeMessages(tx, mailbox, [{ first: 1, last: mailbox.uidNext - 1 }], now)
    await removeMailboxRows(tx, mailbox.id)
    tx.wake('mailbox', mailbox.id)
    wakeNames(tx, accountId)
    return 'removed'
  },
)

/** Of a mailbox that has no messages. */
async function removeMailboxRows(tx: Tx, mailboxId: number): Promise<void> {
  for (const table of ['mailbox_block', 'mailbox_vanished', 'mailbox_acl', 'mailbox_metadata'])
    await tx.run(`DELETE FROM ${table} WHERE mailbox_id = ?`, mailboxId)
  await tx.run('DELETE FROM mailbox WHERE id = ?', mailboxId)
}

export interface Renaming extends MailboxName {
  readonly to: string
  readonly now: number
}

/**
 * With the mailboxes below it. INBOX stays, and its messages move to the new name (RFC 9051 §6.3.6). What is subscribed
 * stays subscribed under the new name: its owner would not find it any more.
 */
export const renameMailbox = defineWrite(
  'mailbox.rename',
  async (
    tx,
    renaming: Renaming,
  ): Promise<'renamed' | 'missing' | 'exists' | 'below-itself' | 'too-long' | 'too-many'> => {
    const { accountId, name, to } = renaming
    await lockAccounts(tx, accountId)
    const mailbox = await findMailboxNamed(tx, accountId, name)
    const below = name === 'INBOX' ? [] : await findBelow(tx, accountId, name)
    if (!mailbox && below.length === 0) return 'missing'
    if (to.startsWith(name + delimiter) && name !== 'INBOX') return 'below-itself'
    if (below.some(one => isTooLong(to + one.name.slice(name.length)))) return 'too-long'
    const target = await findMailboxNamed(tx, accountId, to)
    if (target || (await findBelow(tx, accountId, to)).length > 0) return 'exists'
    if ((await countMailboxes(tx, accountId)) + to.split(delimiter).length > maxMailboxes) return 'too-many'
    await makeSuperiors(tx, { ...renaming, name: to })
    if (name === 'INBOX') {
      const made = await makeMailbox(tx, { ...renaming, name: to })
      const all = { first: 1, last: Number.MAX_SAFE_INTEGER }
      if (mailbox) {
        await moveRowsTo(tx, { source: mailbox, target: made, now: renaming.now }, [all])
        // RFC 5464 §4.1: what is noted of INBOX stays, and comes along.
        await tx.run(
          `INSERT INTO mailbox_metadata (mailbox_id, reader_id, name, value, mod_seq)
             SELECT ?, reader_id, name, value, 1 FROM mailbox_metadata WHERE mailbox_id = ?`,
          made.id,
          mailbox.id,
        )
      }
      return 'renamed'
    }
    for (const one of mailbox ? [mailbox, ...below] : below)
      await renameOne(tx, one, to + one.name.slice(name.length))
    return 'renamed'
  },
)

async function findBelow(tx: Tx, accountId: number, name: string): Promise<readonly Mailbox[]> {
  const rows = await tx.all<MailboxRow>(
    `SELECT ${mailboxColumns} FROM mailbox WHERE account_id = ? AND name > ? AND name < ? ORDER BY name`,
    accountId,
    ...boundsBelow(name),
  )
  return rows.map(readMailbox)
}

async function renameOne(tx: Tx, mailbox: Mailbox, name: string): Promise<void> {
  const { accountId, id } = mailbox
  // Its UIDVALIDITY is no other mailbox's of the account: who knew another by this name sees that this is not the one.
  await tx.run('UPDATE mailbox SET name = ? WHERE id = ?', name, id)
  const { changes } = await tx.run(
    'DELETE FROM mailbox_subscription WHERE account_id = ? AND name = ?',
    accountId,
    mailbox.name,
  )
  if (changes > 0) await subscribeTo(tx, accountId, name)
  tx.wake('mailbox', id)
  wakeNames(tx, accountId)
}

/** A name can be subscribed to whether or not there is a mailbox of it (RFC 9051 §6.3.7). */
export const subscribe = defineWrite(
  'mailbox.subscribe',
  async (tx, { accountId, name }: MailboxName): Promise<'subscribed' | 'too-many'> => {
    const row = await tx.get<{ count: number }>(
      'SELECT count(*) AS count FROM mailbox_subscription WHERE account_id = ?',
      accountId,
    )
    if ((row?.count ?? 0) >= maxMailboxes) return 'too-many'
    await subscribeTo(tx, accountId, name)
    return 'subscribed'
  },
)

export const unsubscribe = defineWrite(
  'mailbox.unsubscribe',
  async (tx, { accountId, name }: MailboxName): Promise<boolean> => {
    const { changes } = await tx.run(
      'DELETE FROM mailbox_subscription WHERE account_id = ? AND name = ?',
      accountId,
      name,
    )
    if (changes > 0) wakeNames(tx, accountId)
    return changes > 0
  },
)

/** Names, ascending. */
export const listSubscriptions = defineRead(
  'mailbox.list-subscriptions',
  async (tx, { accountId }: Pick<MailboxName, 'accountId'>): Promise<readonly string[]> => {
    const rows = await tx.all<{ name: string }>(
      'SELECT name FROM mailbox_subscription WHERE account_id = ? ORDER BY name',
      accountId,
    )
    return rows.map(({ name }) => name)
  },
)
