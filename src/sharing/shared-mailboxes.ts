// Mailboxes of others in which an account has rights.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { delimiter, findMailboxNamed } from '../mailbox/mailbox-names.ts'
import { type Mailbox, type MailboxRow, mailboxColumns, readMailbox } from '../mailbox/mailbox-row.ts'
import { defineRead, type Tx } from '../storage/operation.ts'
import { combineRights, rightsIn } from './access-list.ts'
import { findHoldersOf, type Holder } from './holders.ts'
import type { Rights } from './rights.ts'

export interface SharedMailbox {
  /** The owner's address as it is kept. */
  readonly owner: string
  /** Its name is that which it has for its owner. */
  readonly mailbox: Mailbox
  /** Of the account that asks. */
  readonly rights: Rights
}

export interface SharedName {
  /** Who asks. */
  readonly accountId: number
  readonly owner: Address
  readonly name: string
}

/** undefined: there is none, or nothing of it is shared with the account. */
export const findSharedMailbox = defineRead(
  'sharing.find-mailbox',
  async (tx, { accountId, owner, name }: SharedName): Promise<SharedMailbox | undefined> => {
    const found = await findOwner(tx, owner)
    const mailbox = found && (await findMailboxNamed(tx, found.id, name))
    const rights = mailbox ? await rightsIn(tx, mailbox, accountId) : ''
    return mailbox && rights !== '' ? { owner: found.address, mailbox, rights } : undefined
  },
)

/** The nearest mailbox above this name, whatever the account may do there; undefined: there is none. */
export const findSharedSuperior = defineRead(
  'sharing.find-superior',
  async (tx, { accountId, owner, name }: SharedName): Promise<SharedMailbox | undefined> => {
    const found = await findOwner(tx, owner)
    if (!found) return undefined
    const levels = name.split(delimiter)
    for (let depth = levels.length - 1; depth > 0; depth--) {
      const mailbox = await findMailboxNamed(tx, found.id, levels.slice(0, depth).join(delimiter))
      if (mailbox) return { owner: found.address, mailbox, rights: await rightsIn(tx, mailbox, accountId) }
    }
    return undefined
  },
)

interface OwnerRow {
  readonly id: number
  readonly address: string
}

async function findOwner(tx: Tx, owner: Address): Promise<OwnerRow | undefined> {
  return await tx.get<OwnerRow>('SELECT id, address FROM account WHERE address_key = ?', addressKey(owner))
}

/** So many are listed at most: they are listed as a whole. */
const maxShared = 10_000

interface EntryRow {
  readonly mailbox_id: number
  readonly holder: Holder['kind']
  readonly holder_id: number
  readonly is_negative: number
  readonly rights: Rights
}

/** All in which the account has any right, by owner and name. */
export const listSharedMailboxes = defineRead(
  'sharing.list-mailboxes',
  async (tx, { accountId }: { readonly accountId: number }): Promise<readonly SharedMailbox[]> => {
    const holders = await findHoldersOf(tx, accountId)
    const found = await tx.forAll(holders, ({ kind, id }) =>
      tx.all<EntryRow>(
        'SELECT mailbox_id, holder, holder_id, is_negative, rights FROM mailbox_acl WHERE holder = ? AND holder_id = ?',
        kind,
        id,
      ),
    )
    const entries = Map.groupBy(found.flat(), entry => entry.mailbox_id)
    const domain = await tx.get<{ domain: string }>('SELECT domain FROM account WHERE id = ?', accountId)
    const rows = await tx.forAll([...entries.keys()].slice(0, maxShared), id =>
      tx.get<MailboxRow & { owner: string | null; domain: string | null }>(
        `SELECT ${mailboxColumns}, (SELECT address FROM account WHERE account.id = mailbox.account_id) AS owner,
                (SELECT domain FROM account WHERE account.id = mailbox.account_id) AS domain
           FROM mailbox WHERE mailbox.id = ? AND mailbox.account_id <> ?`,
        id,
        accountId,
      ),
    )
    return rows
      .flatMap(row => {
        if (!row?.owner) return []
        const rights = combineRights(entries.get(row.id) ?? [], holders, row.domain === domain?.domain)
        return rights === '' ? [] : [{ mailbox: readMailbox(row), owner: row.owner, rights }]
      })
      .sort((a, b) => compare(a.owner, b.owner) || compare(a.mailbox.name, b.mailbox.name))
  },
)

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
