// The mailboxes of an account by their names: found and made, inside somebody's transaction.
import type { Tx } from '../storage/operation.ts'
import { type Mailbox, type MailboxRow, mailboxColumns, readMailbox, type SpecialUse } from './mailbox-row.ts'

/** Between the levels of a name. */
export const delimiter = '/'

/** Between the two, both left out, are the names that begin with it and a delimiter. */
export function boundsBelow(name: string): readonly [string, string] {
  return [name + delimiter, name + String.fromCharCode(delimiter.charCodeAt(0) + 1)]
}

/** Levels and characters of a name: what is longer makes no folder that anybody finds, and LIST looks at each level of each name. */
export const maxLevels = 20
export const maxNameLength = 500

export function isTooLong(name: string): boolean {
  return name.length > maxNameLength || name.split(delimiter).length > maxLevels
}

/** What each account has from the beginning (RFC 6154). */
const usualMailboxes: readonly {
  readonly name: string
  readonly specialUse?: SpecialUse | undefined
}[] = [
  { name: 'INBOX' },
  { name: 'Drafts', specialUse: 'Drafts' },
  { name: 'Sent', specialUse: 'Sent' },
  { name: 'Junk', specialUse: 'Junk' },
  { name: 'Trash', specialUse: 'Trash' },
  { name: 'Archive', specialUse: 'Archive' },
]

/** What a mailbox of this name is for, where nobody says it. */
export function usualUseOf(name: string): SpecialUse | undefined {
  return usualMailboxes.find(usual => usual.name === name)?.specialUse
}

export async function findMailboxNamed(
  tx: Tx,
  accountId: number,
  name: string,
): Promise<Mailbox | undefined> {
  return await findBy(tx, accountId, 'name', name)
}

export async function findMailboxOfUse(
  tx: Tx,
  accountId: number,
  specialUse: SpecialUse,
): Promise<Mailbox | undefined> {
  return await findBy(tx, accountId, 'special_use', specialUse)
}

async function findBy(
  tx: Tx,
  accountId: number,
  column: 'name' | 'special_use',
  value: string,
): Promise<Mailbox | undefined> {
  const row = await tx.get<MailboxRow>(
    `SELECT ${mailboxColumns} FROM mailbox WHERE account_id = ? AND ${column} = ?`,
    accountId,
    value,
  )
  return row && readMailbox(row)
}

export interface NewMailbox {
  readonly accountId: number
  /** Of which there is none yet. */
  readonly name: string
  readonly specialUse?: SpecialUse | undefined
  /** Default true: what this server makes its owner is to see. */
  readonly isSubscribed?: boolean
  readonly now: number
}

/** Whoever calls has locked the account. */
export async function makeMailbox(tx: Tx, made: NewMailbox): Promise<Mailbox> {
  const { accountId, name, specialUse, now } = made
  const row = await tx.get<MailboxRow>(
    `INSERT INTO mailbox (account_id, name, uid_validity, uid_next, special_use) VALUES (?, ?, ?, 1, ?)
       RETURNING ${mailboxColumns}`,
    accountId,
    name,
    await takeUidValidity(tx, accountId, now),
    specialUse ?? null,
  )
  if (!row) throw new Error('INSERT … RETURNING gave no row')
  if (made.isSubscribed ?? true) await subscribeTo(tx, accountId, name)
  else wakeNames(tx, accountId)
  const mailbox = readMailbox(row)
  await inheritRights(tx, mailbox)
  return mailbox
}

/** RFC 4314 §4: what is made below a shared mailbox is shared as that is. */
async function inheritRights(tx: Tx, { id, accountId, name }: Mailbox): Promise<void> {
  const end = name.lastIndexOf(delimiter)
  if (end < 0) return
  await tx.run(
    `INSERT INTO mailbox_acl (mailbox_id, holder, holder_id, is_negative, rights)
       SELECT ?, holder, holder_id, is_negative, rights FROM mailbox_acl
        WHERE mailbox_id = (SELECT id FROM mailbox WHERE account_id = ? AND name = ?)`,
    id,
    accountId,
    name.slice(0, end),
  )
}

/** For a new account. */
export async function makeUsualMailboxes(tx: Tx, accountId: number, now: number): Promise<void> {
  for (const usual of usualMailboxes) await makeMailbox(tx, { ...usual, accountId, now })
}

export async function subscribeTo(tx: Tx, accountId: number, name: string): Promise<void> {
  await tx.run(
    'INSERT INTO mailbox_subscription (account_id, name) VALUES (?, ?) ON CONFLICT (account_id, name) DO NOTHING',
    accountId,
    name,
  )
  wakeNames(tx, accountId)
}

/** Which mailboxes the account has, under which names, who may use them, what it is subscribed to: one of these has changed. */
export function wakeNames(tx: Tx, accountId: number): void {
  tx.wake('mailbox-names', accountId)
}

/**
 * RFC 9051 §2.3.1.1: a mailbox that takes the name of one that was removed has a greater UIDVALIDITY, also within the same
 * second.
 */
async function takeUidValidity(tx: Tx, accountId: number, now: number): Promise<number> {
  const seconds = Math.floor(now / 1000)
  const row = await tx.get<{ last: number }>(
    `INSERT INTO uid_validity (account_id, last) VALUES (?, ?)
       ON CONFLICT (account_id) DO UPDATE SET last = CASE WHEN uid_validity.last < ? THEN ? ELSE uid_validity.last + 1 END
     RETURNING last`,
    accountId,
    seconds,
    seconds,
    seconds,
  )
  if (!row) throw new Error('INSERT … RETURNING gave no row')
  return row.last
}
