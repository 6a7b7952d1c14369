// What must hold whenever the directory changes, checked inside the transaction that changes it.

import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import type { UsageFault } from '../runtime/fault.ts'
import { parseScramCredential } from '../sasl/scram-keys.ts'
import type { Tx } from '../storage/operation.ts'
import { isPasswordHash } from './credentials.ts'
import { directoryFault } from './directory-fault.ts'
import { displayAddress, displayDomain } from './display.ts'
import { isRoleAddress, splitSubaddress, subaddressSeparator } from './keys.ts'
import { describeChainProblem, RedirectionChains } from './redirection-chains.ts'
import { readAddress } from './rows.ts'

export async function isOwnDomain(tx: Tx, name: string): Promise<boolean> {
  return (await tx.get('SELECT id FROM domain WHERE name = ?', name)) !== undefined
}

async function isRelayDomain(tx: Tx, name: string): Promise<boolean> {
  return (await tx.get('SELECT id FROM relay_domain WHERE name = ?', name)) !== undefined
}

export async function assertDomain(tx: Tx, name: string): Promise<void> {
  if (await isOwnDomain(tx, name)) return
  if (!(await isRelayDomain(tx, name))) throw noSuchDomain(name)
  throw directoryFault(
    'DIRECTORY_DOMAIN_IS_RELAYED',
    `Mail for ${displayDomain(name)} belongs on another server; this one only relays it, so it has no accounts, aliases and groups here.`,
  )
}

/** Neither a domain of ours nor one that is relayed. */
export async function assertNoDomain(tx: Tx, name: string): Promise<void> {
  if (await isOwnDomain(tx, name))
    throw directoryFault('DIRECTORY_DOMAIN_EXISTS', `The domain ${displayDomain(name)} is here already.`)
  if (await isRelayDomain(tx, name))
    throw directoryFault(
      'DIRECTORY_DOMAIN_EXISTS',
      `The domain ${displayDomain(name)} is here already, as one that is relayed. "postrider domain remove ${displayDomain(name)}" makes room.`,
    )
}

export function noSuchDomain(name: string): UsageFault {
  return directoryFault(
    'DIRECTORY_NO_SUCH_DOMAIN',
    `${displayDomain(name)} is no domain of this server. "postrider domain list" shows them; "postrider domain create ${displayDomain(name)}" makes it one.`,
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
    `${displayAddress(address)} is taken: it is ${holder === 'group' ? 'a' : 'an'} ${holder}. Remove that first, or choose another address.`,
  )
}

/** The + belongs to subaddresses: an account with one in its name could not be told from another's subaddress. */
export function assertAccountAddress(address: Address): void {
  if (address.localPart.includes(subaddressSeparator)) {
    throw directoryFault(
      'DIRECTORY_NOT_AN_ADDRESS',
      `${displayAddress(address)} has a "${subaddressSeparator}", which separates subaddresses. Give the account an address without it.`,
    )
  }
  if (address.localPart === '') {
    throw directoryFault(
      'DIRECTORY_NOT_AN_ADDRESS',
      `${displayAddress(address)} is a catch-all. Only an alias can be one.`,
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
      `${displayAddress(target)} does not exist, although its domain is ours. Create it first, or correct the address.`,
    )
  }
}

export function assertTargets(address: Address, targets: readonly Address[]): void {
  if (targets.length === 0) {
    throw directoryFault(
      'DIRECTORY_NO_TARGETS',
      `${displayAddress(address)} needs at least one address to which its mail goes.`,
    )
  }
}

/** Most targets are accounts or elsewhere, and then no chain has to be looked at. */
export async function mayLeadOn(tx: Tx, targets: readonly Address[]): Promise<boolean> {
  for (const target of targets) {
    if (isRoleAddress(target)) return true
    const key = addressKey(target)
    if (await tx.get('SELECT 1 AS found FROM account WHERE address_key = ?', key)) continue
    const base = splitSubaddress(target)?.base
    const found = await tx.get(
      'SELECT 1 AS found FROM redirection WHERE address_key IN (?, ?, ?)',
      key,
      base ? addressKey(base) : key,
      `@${target.domain}`,
    )
    if (found) return true
  }
  return false
}

/** Asked after the change, of the redirections that it touched: no chain through them leads back, or too far. */
export async function assertNoLoop(tx: Tx, changed: readonly Address[]): Promise<void> {
  const rows = await tx.all<{ address_key: string; address: string; target_key: string }>(
    `SELECT redirection.address_key, redirection.address, target_key FROM redirection
       JOIN redirection_target ON redirection_target.redirection_id = redirection.id`,
  )
  const addresses = new Map<string, string>()
  const targets = new Map<string, string[]>()
  for (const row of rows) {
    addresses.set(row.address_key, row.address)
    const known = targets.get(row.address_key)
    if (known) known.push(row.target_key)
    else targets.set(row.address_key, [row.target_key])
  }
  const chains = new RedirectionChains({
    targets,
    accounts: await readAccountKeys(tx),
    postmasters: await readPostmasters(tx),
  })
  for (const address of changed) {
    const problem = chains.problemOf(addressKey(address))
    if (!problem) continue
    // What is no row is postmaster@ or abuse@, which need none.
    const chain = problem.chain.map(key => readAddress(addresses.get(key) ?? key))
    throw directoryFault('DIRECTORY_LOOP', describeChainProblem(problem.kind, chain))
  }
}

// With a + in its place an account is named by more than its own key.
async function readAccountKeys(tx: Tx): Promise<Set<string>> {
  const rows = await tx.all<{ address_key: string }>(
    `SELECT address_key FROM account
      WHERE address_key IN (SELECT target_key FROM redirection_target)
         OR EXISTS (SELECT 1 FROM redirection_target WHERE target_key LIKE '%+%')`,
  )
  return new Set(rows.map(row => row.address_key))
}

async function readPostmasters(tx: Tx): Promise<Map<string, string>> {
  const rows = await tx.all<{ name: string; postmaster: string }>(
    'SELECT name, postmaster FROM domain WHERE postmaster IS NOT NULL',
  )
  return new Map(rows.map(row => [row.name, addressKey(readAddress(row.postmaster))]))
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

export function assertScramKeys(scramKeys: readonly string[]): void {
  if (scramKeys.some(text => !parseScramCredential(text))) {
    throw directoryFault(
      'DIRECTORY_BAD_PASSWORD',
      'The keys for SCRAM are not of RFC 5803: SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey.',
    )
  }
}
