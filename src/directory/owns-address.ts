// Whether an account may send as an address: mail to that address comes to the account directly.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { defineRead } from '../storage/operation.ts'
import { splitSubaddress } from './keys.ts'
import { type RecipientQuestion, resolveRecipient } from './resolve-recipient.ts'

/**
 * An account owns its address and its subaddresses, the aliases that name it as a target, what a catch-all that names
 * it would take, and postmaster@ and abuse@ where they come to it. Not the groups it is a member of: a member speaks
 * for itself, not for the group. An alias of an alias does not count either.
 */
export const ownsAddress = defineRead(
  'directory.owns-address',
  async (tx, input: RecipientQuestion & { readonly accountId: number }): Promise<boolean> => {
    const resolved = await resolveRecipient.run(tx, input)
    if (resolved.kind === 'account') return resolved.accountId === input.accountId
    if (resolved.kind !== 'redirection' || resolved.redirection === 'group') return false
    const account = await tx.get<{ address_key: string }>(
      'SELECT address_key FROM account WHERE id = ?',
      input.accountId,
    )
    return resolved.targets.some(target => targetKey(target) === account?.address_key)
  },
)

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

/** The addresses that an account may send from, for a person to choose from: its own and its aliases (no catch-alls). */
export const listOwnAddresses = defineRead(
  'directory.list-own-addresses',
  async (tx, input: { readonly accountId: number }): Promise<string[]> => {
    const rows = await tx.all<{ address: string }>(
      `SELECT address FROM account WHERE id = ?
       UNION ALL
       SELECT redirection.address FROM redirection
         JOIN redirection_target ON redirection_target.redirection_id = redirection.id
         JOIN account ON account.address_key = redirection_target.target_key
        WHERE account.id = ? AND redirection.kind = 'alias'`,
      input.accountId,
      input.accountId,
    )
    return rows.map(row => row.address).filter(address => !address.startsWith('@'))
  },
)

/** Whether an account may send from an address in a domain: its own is there, or an alias or a catch-all that leads to it. */
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
        WHERE account.id = ? AND redirection.kind = 'alias' AND redirection.domain = ? LIMIT 1`,
      accountId,
      domain,
      accountId,
      domain,
    )
    return row !== undefined
  },
)
