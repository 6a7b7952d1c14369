// Whether an account may send as an address: mail to that address comes to the account directly.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { defineRead, type Tx } from '../storage/operation.ts'
import { splitSubaddress } from './keys.ts'
import { type RecipientQuestion, resolveRecipient } from './resolve-recipient.ts'

/**
 * An account owns its address and its subaddresses, the aliases that name it as a target, what a catch-all that names
 * it would take, and postmaster@ and abuse@ where they come to it. Of the groups that name it as a member those that say
 * so: else a member speaks for itself, not for the group. An alias of an alias does not count, nor a group in a group.
 */
export const ownsAddress = defineRead(
  'directory.owns-address',
  async (tx, input: RecipientQuestion & { readonly accountId: number }): Promise<boolean> => {
    const resolved = await resolveRecipient.run(tx, input)
    if (resolved.kind === 'account') return resolved.accountId === input.accountId
    if (resolved.kind !== 'redirection') return false
    if (resolved.redirection === 'group' && !(await membersMaySend(tx, resolved.address))) return false
    const account = await tx.get<{ address_key: string }>(
      'SELECT address_key FROM account WHERE id = ?',
      input.accountId,
    )
    return resolved.targets.some(target => targetKey(target) === account?.address_key)
  },
)

async function membersMaySend(tx: Tx, group: Address): Promise<boolean> {
  const row = await tx.get<{ members_send: number }>(
    'SELECT members_send FROM redirection WHERE address_key = ?',
    addressKey(group),
  )
  return row?.members_send === 1
}

/** Of a redirection as which its targets may send. */
const isTheirs = `(redirection.kind = 'alias' OR redirection.members_send = 1)`

function targetKey(target: Address): string {
  return addressKey(splitSubaddress(target)?.base ?? target)
}

export type Standing = 'enabled' | 'disabled' | 'removed'

/** Whether an account that logged in a while ago may still act. */
export const findStanding = defineRead(
  'directory.find-standing',
  async (tx, input: { readonly accountId: number }): Promise<Standing> => {
    const row = await tx.get<{ enabled: number }>('SELECT enabled FROM account WHERE id = ?', input.accountId)
    return !row ? 'removed' : row.enabled === 1 ? 'enabled' : 'disabled'
  },
)

/** The addresses that an account may send from, for a person to choose from: its own, its aliases and groups (no catch-alls). */
export const listOwnAddresses = defineRead(
  'directory.list-own-addresses',
  async (tx, input: { readonly accountId: number }): Promise<string[]> => {
    const rows = await tx.all<{ address: string }>(
      `SELECT address FROM account WHERE id = ?
       UNION ALL
       SELECT redirection.address FROM redirection
         JOIN redirection_target ON redirection_target.redirection_id = redirection.id
         JOIN account ON account.address_key = redirection_target.target_key
        WHERE account.id = ? AND ${isTheirs}`,
      input.accountId,
      input.accountId,
    )
    return rows.map(row => row.address).filter(address => !address.startsWith('@'))
  },
)

/** Whether an account may send from an address in a domain: its own is there, or an alias, a catch-all or a group that leads to it. */
export const hasAddressIn = defineRead(
  'directory.has-address-in',
  async (tx, input: { readonly accountId: number; readonly domain: string }): Promise<boolean> => {
    const { accountId, domain } = input
    const row = await tx.get(
      `SELECT 1 AS found FROM account WHERE id = ? AND domain = ?
       UNION ALL
       SELECT 1 FROM redirection
         JOIN redirection_target ON redirection_target.redirection_id = redirection.id
         JOIN account ON account.address_key = redirection_target.target_key
        WHERE account.id = ? AND ${isTheirs} AND redirection.domain = ? LIMIT 1`,
      accountId,
      domain,
      accountId,
      domain,
    )
    return row !== undefined
  },
)
