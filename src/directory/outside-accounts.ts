// Accounts that a directory elsewhere knows: made here when somebody first writes or logs in to them, with their other addresses
// as aliases. What was made here by hand goes before: an address that is taken is not theirs.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import type { Language } from '../queue/records.ts'
import { defineRead, type Tx } from '../storage/operation.ts'
import { insertAccount } from './accounts.ts'
import { holderOf, isOwnDomain } from './constraints.ts'
import { nobodysHash } from './credentials.ts'
import { defineDirectoryWrite } from './define-directory-write.ts'
import { insertRedirection } from './redirections.ts'
import { removeRedirectionRows } from './removal.ts'
import { readAddress } from './rows.ts'

/** As the directory elsewhere has it. */
export interface OutsidePerson {
  /** All of them; the account, where there is none yet, gets the first. */
  readonly addresses: readonly [Address, ...Address[]]
  readonly name: string
}

/** The account that has one of the addresses, and whether it is as it is there; undefined: there is none. */
export const findOutsideAccount = defineRead(
  'directory.find-outside-account',
  async (
    tx,
    { addresses, name }: OutsidePerson,
  ): Promise<{ readonly address: Address; readonly isCurrent: boolean } | undefined> => {
    const known = await readOutsideAccount(tx, addresses)
    if (!known) return undefined
    const { stale, missing } = await aliasChanges(tx, known, addresses)
    return {
      address: known.address,
      isCurrent: known.name === name && stale.length === 0 && missing.length === 0,
    }
  },
)

interface OutsideAccount {
  readonly id: number
  readonly address: Address
  readonly name: string
  readonly aliases: readonly Address[]
}

async function readOutsideAccount(
  tx: Tx,
  addresses: readonly Address[],
): Promise<OutsideAccount | undefined> {
  for (const address of addresses) {
    const row = await tx.get<{ id: number; address: string; name: string }>(
      'SELECT id, address, name FROM account WHERE address_key = ? AND outside = 1',
      addressKey(address),
    )
    if (!row) continue
    const aliases = await tx.all<{ address: string }>(
      'SELECT address FROM redirection WHERE outside_of = ? ORDER BY address_key',
      row.id,
    )
    return {
      id: row.id,
      address: readAddress(row.address),
      name: row.name,
      aliases: aliases.map(alias => readAddress(alias.address)),
    }
  }
  return undefined
}

export type KeepResult =
  | { readonly kind: 'kept'; readonly address: Address; readonly isNew: boolean }
  /** None of its addresses is free, and in a domain of this server. */
  | { readonly kind: 'no-room' }

/** Makes the account and its aliases what the directory elsewhere says. */
export const keepOutsideAccount = defineDirectoryWrite(
  'directory.keep-outside-account',
  async (
    tx,
    { addresses, name, language, at }: OutsidePerson & { readonly language: Language; readonly at: number },
  ): Promise<KeepResult> => {
    const known = await readOutsideAccount(tx, addresses)
    const address = known?.address ?? (await firstFree(tx, addresses))
    if (!address) return { kind: 'no-room' }
    const id =
      known?.id ??
      (
        await insertAccount(tx, {
          address,
          name,
          passwordHash: nobodysHash,
          outside: true,
          language,
          enabled: true,
          at,
        })
      ).id
    await tx.run('UPDATE account SET name = ? WHERE id = ? AND name <> ?', name, id, name)
    const { stale, missing } = await aliasChanges(tx, { address, aliases: known?.aliases ?? [] }, addresses)
    for (const alias of stale) await removeOutsideAlias(tx, alias)
    for (const alias of missing) {
      await insertRedirection(tx, { kind: 'alias', address: alias, name: '', targets: [address], at })
      await tx.run('UPDATE redirection SET outside_of = ? WHERE address_key = ?', id, addressKey(alias))
    }
    return { kind: 'kept', address, isNew: !known }
  },
)

/** An address that is taken here, or in no domain of this server, is not missed. */
async function aliasChanges(
  tx: Tx,
  { address, aliases }: Pick<OutsideAccount, 'address' | 'aliases'>,
  addresses: readonly Address[],
): Promise<{ readonly stale: readonly Address[]; readonly missing: readonly Address[] }> {
  const known = new Set([address, ...aliases].map(addressKey))
  const wanted = new Set(addresses.map(addressKey))
  const missing: Address[] = []
  for (const other of addresses)
    if (!known.has(addressKey(other)) && (await isFree(tx, other))) missing.push(other)
  return { stale: aliases.filter(alias => !wanted.has(addressKey(alias))), missing }
}

/** Of all accounts that the directory elsewhere knows. */
export async function listOutsideAliases(tx: Tx): Promise<readonly Address[]> {
  const rows = await tx.all<{ address: string }>(
    'SELECT address FROM redirection WHERE outside_of IS NOT NULL',
  )
  return rows.map(row => readAddress(row.address))
}

/** Of the directory elsewhere; makes room for what somebody makes here. */
export async function removeOutsideAlias(tx: Tx, address: Address): Promise<void> {
  const row = await tx.get<{ id: number }>(
    'SELECT id FROM redirection WHERE address_key = ? AND outside_of IS NOT NULL',
    addressKey(address),
  )
  if (row) await removeRedirectionRows(tx, row.id)
}

async function firstFree(tx: Tx, addresses: readonly Address[]): Promise<Address | undefined> {
  for (const address of addresses) if (await isFree(tx, address)) return address
  return undefined
}

async function isFree(tx: Tx, address: Address): Promise<boolean> {
  return (await isOwnDomain(tx, address.domain)) && (await holderOf(tx, address)) === undefined
}
