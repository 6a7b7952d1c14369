// The list of rights of a mailbox (RFC 4314 §3): who is on it, and what it says of one account.
import type { Address } from '../address/address.ts'
import { wakeNames } from '../mailbox/mailbox-names.ts'
import { findOpenMailbox, lockOpenMailbox, type OpenMailbox } from '../mailbox/mailbox-row.ts'
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import { findHolder, findHoldersOf, type Holder, type HolderName } from './holders.ts'
import { addRights, allRights, type Rights, removeRights } from './rights.ts'

interface Row {
  readonly holder: Holder['kind']
  readonly holder_id: number
  readonly is_negative: number
  readonly rights: Rights
}

/** Rows of one mailbox that are about this account. */
export function combineRights(rows: readonly Row[], holders: readonly Holder[], inDomain: boolean): Rights {
  let rights: Rights = ''
  let taken: Rights = ''
  for (const row of rows) {
    if (!holders.some(({ kind, id }) => kind === row.holder && id === row.holder_id)) continue
    // docs/adr/0036: anyone is everybody in the owner's domain.
    if (row.holder === 'anyone' && !inDomain) continue
    if (row.is_negative === 1) taken = addRights(taken, row.rights)
    else rights = addRights(rights, row.rights)
  }
  return removeRights(rights, taken)
}

async function readRows(tx: Tx, mailboxId: number): Promise<readonly Row[]> {
  return await tx.all<Row>(
    'SELECT holder, holder_id, is_negative, rights FROM mailbox_acl WHERE mailbox_id = ?',
    mailboxId,
  )
}

/** Of the owner all, whatever stands on the list. */
export async function rightsIn(
  tx: Tx,
  mailbox: { readonly id: number; readonly accountId: number },
  accountId: number,
): Promise<Rights> {
  if (mailbox.accountId === accountId) return allRights
  const rows = await readRows(tx, mailbox.id)
  if (rows.length === 0) return ''
  return combineRights(rows, await findHoldersOf(tx, accountId), await sharesDomain(tx, mailbox, accountId))
}

async function sharesDomain(
  tx: Tx,
  { accountId: ownerId }: { readonly accountId: number },
  accountId: number,
): Promise<boolean> {
  const rows = await tx.all<{ domain: string }>(
    'SELECT DISTINCT domain FROM account WHERE id IN (?, ?)',
    ownerId,
    accountId,
  )
  return rows.length === 1
}

/** '' also where there is no such mailbox. */
export const readRights = defineRead(
  'sharing.read-rights',
  async (
    tx,
    { accountId, mailbox: open }: { readonly accountId: number; readonly mailbox: OpenMailbox },
  ): Promise<Rights> => {
    const mailbox = await findOpenMailbox(tx, open)
    return mailbox ? await rightsIn(tx, mailbox, accountId) : ''
  },
)

/** Of one mailbox: all of them are read wherever somebody asks for his own. */
const maxEntries = 500

/** Of a group, or of a domain: whoever listens looks. It happens seldom. */
const everybody = 0

export interface RightsChange {
  readonly mailbox: OpenMailbox
  readonly holder: HolderName
  readonly action: 'replace' | 'add' | 'remove'
  readonly rights: Rights
}

/** 'unknown-holder': there is no such account or group. 'owner': his rights are not to be changed. */
export type RightsChanged = 'changed' | 'unknown-holder' | 'owner' | 'too-many' | 'gone'

/** Who is left without rights is on the list no more. */
export const changeRights = defineWrite(
  'sharing.change-rights',
  async (tx, { mailbox: open, holder: name, action, rights }: RightsChange): Promise<RightsChanged> => {
    const mailbox = await lockOpenMailbox(tx, open)
    if (!mailbox) return 'gone'
    const holder = await findHolder(tx, name.name)
    if (!holder) return 'unknown-holder'
    if (holder.kind === 'account' && holder.id === mailbox.accountId) return 'owner'
    const key = [mailbox.id, holder.kind, holder.id, name.isNegative ? 1 : 0] as const
    const before = await tx.get<{ rights: Rights }>(
      `SELECT rights FROM mailbox_acl WHERE mailbox_id = ? AND holder = ? AND holder_id = ? AND is_negative = ?`,
      ...key,
    )
    const after = changed(before?.rights ?? '', action, rights)
    if (!before && after !== '' && (await countEntries(tx, mailbox.id)) >= maxEntries) return 'too-many'
    await tx.run(
      'DELETE FROM mailbox_acl WHERE mailbox_id = ? AND holder = ? AND holder_id = ? AND is_negative = ?',
      ...key,
    )
    if (after !== '')
      await tx.run(
        'INSERT INTO mailbox_acl (mailbox_id, holder, holder_id, is_negative, rights) VALUES (?, ?, ?, ?, ?)',
        ...key,
        after,
      )
    // Whoever has it selected may see no more of it, and for the holders it comes or goes.
    tx.wake('mailbox', mailbox.id)
    wakeNames(tx, holder.kind === 'account' ? holder.id : everybody)
    return 'changed'
  },
)

function changed(before: Rights, action: RightsChange['action'], rights: Rights): Rights {
  if (action === 'replace') return rights
  return action === 'add' ? addRights(before, rights) : removeRights(before, rights)
}

async function countEntries(tx: Tx, mailboxId: number): Promise<number> {
  const row = await tx.get<{ count: number }>(
    'SELECT count(*) AS count FROM mailbox_acl WHERE mailbox_id = ?',
    mailboxId,
  )
  return row?.count ?? 0
}

export interface AccessEntry {
  /** 'boris@example.test', '-anyone' */
  readonly identifier: string
  readonly rights: Rights
}

/** Without the owner; by identifier. */
export const listAccess = defineRead(
  'sharing.list-access',
  async (tx, open: OpenMailbox): Promise<readonly AccessEntry[]> => {
    const rows = await tx.all<Row & { address: string | null }>(
      `SELECT holder, holder_id, is_negative, rights,
              COALESCE(CASE holder WHEN 'account' THEN (SELECT address FROM account WHERE id = holder_id)
                                   WHEN 'group' THEN (SELECT address FROM redirection WHERE id = holder_id) END, 'anyone') AS address
         FROM mailbox_acl WHERE mailbox_id = ? ORDER BY address, is_negative`,
      open.mailboxId,
    )
    return rows.map(row => ({
      identifier: `${row.is_negative === 1 ? '-' : ''}${row.address ?? ''}`,
      rights: row.rights,
    }))
  },
)

/** Whether somebody with this name can be on a list. */
export const knowsHolder = defineRead(
  'sharing.knows-holder',
  async (tx, { name }: { readonly name: 'anyone' | Address }): Promise<Holder | undefined> =>
    await findHolder(tx, name),
)
