// What must hold whenever the directory changes, checked inside the transaction that changes it.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import type { UsageFault } from '../runtime/fault.ts'
import type { Tx } from '../storage/operation.ts'
import { isPasswordHash } from './credentials.ts'
import { directoryFault } from './directory-fault.ts'
import { splitSubaddress, subaddressSeparator } from './keys.ts'
import { storeAddress } from './rows.ts'

export async function isOwnDomain(tx: Tx, name: string): Promise<boolean> {
  return (await tx.get('SELECT id FROM domain WHERE name = ?', name)) !== undefined
}

export async function assertDomain(tx: Tx, name: string): Promise<void> {
  if (!(await isOwnDomain(tx, name))) throw noSuchDomain(name)
}

export function noSuchDomain(name: string): UsageFault {
  return directoryFault(
    'DIRECTORY_NO_SUCH_DOMAIN',
    `${name} is no domain of this server. "postrider domain list" shows them; "postrider domain create ${name}" makes it one.`,
  )
}

/** What has this address: 'account', 'alias' or 'group'. */
export async function holderOf(tx: Tx, address: Address): Promise<string | undefined> {
  const key = addressKey(address)
  const row = await tx.get<{ kind: string }>(
    `SELECT 'account' AS kind FROM account WHERE address_key = ? UNION ALL SELECT kind FROM redirection WHERE address_key = ?`,
    key,
    key,
  )
  return row?.kind
}

export async function assertFree(tx: Tx, address: Address): Promise<void> {
  const holder = await holderOf(tx, address)
  if (holder === undefined) return
  throw directoryFault(
    'DIRECTORY_ADDRESS_TAKEN',
    `${storeAddress(address)} is taken: it is ${holder === 'group' ? 'a' : 'an'} ${holder}. Remove that first, or choose another address.`,
  )
}

/** The + belongs to subaddresses: an account with one in its name could not be told from another's subaddress. */
export function assertAccountAddress(address: Address): void {
  if (address.localPart.includes(subaddressSeparator)) {
    throw directoryFault(
      'DIRECTORY_NOT_AN_ADDRESS',
      `${storeAddress(address)} has a "${subaddressSeparator}", which separates subaddresses. Give the account an address without it.`,
    )
  }
  if (address.localPart === '') {
    throw directoryFault(
      'DIRECTORY_NOT_AN_ADDRESS',
      `${storeAddress(address)} is a catch-all. Only an alias can be one.`,
    )
  }
}

/** Each target in a domain of ours has to exist: a typing mistake would otherwise bounce somebody's mail. */
export async function assertTargetsKnown(tx: Tx, targets: readonly Address[]): Promise<void> {
  for (const target of targets) {
    if (!(await isOwnDomain(tx, target.domain))) continue
    const base = splitSubaddress(target)?.base
    if ((await holderOf(tx, target)) !== undefined || (base && (await holderOf(tx, base)) !== undefined))
      continue
    throw directoryFault(
      'DIRECTORY_UNKNOWN_TARGET',
      `${storeAddress(target)} does not exist, although its domain is ours. Create it first, or correct the address.`,
    )
  }
}

export function assertTargets(address: Address, targets: readonly Address[]): void {
  if (targets.length === 0) {
    throw directoryFault(
      'DIRECTORY_NO_TARGETS',
      `${storeAddress(address)} needs at least one address to which its mail goes.`,
    )
  }
  const key = addressKey(address)
  if (targets.some(target => addressKey(target) === key)) {
    throw directoryFault(
      'DIRECTORY_UNKNOWN_TARGET',
      `${storeAddress(address)} would send its mail to itself for ever.`,
    )
  }
}

/** Names go into replies and reports, so control characters (CR, LF, NUL) must never get in. */
export function assertName(name: string): void {
  if (/[\p{Cc}\u2028\u2029]/u.test(name) || name.length > 200) {
    throw directoryFault(
      'DIRECTORY_BAD_NAME',
      'A name is one line of at most 200 characters, without control characters.',
    )
  }
}

export function assertPasswordHash(passwordHash: string): void {
  if (!isPasswordHash(passwordHash)) {
    throw directoryFault(
      'DIRECTORY_BAD_PASSWORD',
      'The password hash is not Argon2id in PHC form: $argon2id$v=19$m=…,t=…,p=…$salt$hash.',
    )
  }
}
