// Accounts: whoever logs in, sends and receives here.

import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { makeUsualMailboxes } from '../mailbox/mailbox-names.ts'
import type { Language } from '../queue/records.ts'
import { defineRead, type Tx } from '../storage/operation.ts'
import {
  assertAccountAddress,
  assertDomain,
  assertFree,
  assertName,
  assertPasswordHash,
  assertScramKeys,
} from './constraints.ts'
import { defineDirectoryWrite } from './define-directory-write.ts'
import { directoryFault } from './directory-fault.ts'
import { displayAddress, displayDomain } from './display.ts'
import { keepFormerPassword } from './former-passwords.ts'
import { forgiveFailures } from './known-networks.ts'
import type { Account } from './records.ts'
import { removeAccountRows } from './removal.ts'
import { type AccountRow, readAccount, readAddress, storeAddress } from './rows.ts'
import { listScramKeys, type ScramColumns } from './scram-credentials.ts'

const selectAccounts = 'SELECT id, address, name, language, enabled, created_at, outside FROM account'

/** All, or those of one domain (canonical). */
export const listAccounts = defineRead(
  'directory.list-accounts',
  async (tx, input: { readonly domain?: string | undefined }): Promise<Account[]> => {
    const rows =
      input.domain === undefined
        ? await tx.all<AccountRow>(`${selectAccounts} ORDER BY domain, address_key`)
        : await tx.all<AccountRow>(`${selectAccounts} WHERE domain = ? ORDER BY address_key`, input.domain)
    return rows.map(readAccount)
  },
)

export const findAccount = defineRead(
  'directory.find-account',
  async (tx, input: { readonly address: Address }): Promise<Account | undefined> => {
    const row = await tx.get<AccountRow>(`${selectAccounts} WHERE address_key = ?`, addressKey(input.address))
    return row && readAccount(row)
  },
)

/** Its address; undefined: there is none any more. */
export const addressOfAccount = defineRead(
  'directory.address-of-account',
  async (tx, { id }: { readonly id: number }): Promise<string | undefined> =>
    (await tx.get<{ address: string }>('SELECT address FROM account WHERE id = ?', id))?.address,
)

export interface NewAccount {
  readonly address: Address
  readonly name: string
  /** As `hashPassword` makes it: a password never reaches storage. */
  readonly passwordHash: string
  /** Of the same password, as `deriveScramKeys` makes them; none: nobody logs in with SCRAM. */
  readonly scramKeys?: readonly string[] | undefined
  readonly language: Language
  readonly enabled: boolean
  /** A directory elsewhere proves it, and not this password. */
  readonly outside?: boolean | undefined
  readonly at: number
}

export const createAccount = defineDirectoryWrite(
  'directory.create-account',
  async (tx, input: NewAccount): Promise<{ id: number }> => {
    await assertDomain(tx, input.address.domain)
    await assertFree(tx, input.address)
    const account = await insertAccount(tx, input)
    // Whoever was to have it may have tried.
    await forgiveFailures(tx, account.id, input.at)
    return account
  },
)

export async function insertAccount(tx: Tx, input: NewAccount): Promise<{ id: number }> {
  const { scramKeys = [] } = input
  assertAccountAddress(input.address)
  assertName(input.name)
  assertPasswordHash(input.passwordHash)
  assertScramKeys(scramKeys)
  const row = await tx.get<{ id: number }>(
    `INSERT INTO account (address, address_key, domain, name, password_hash, language, enabled, created_at, outside, scram_keys, scram_hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
    storeAddress(input.address),
    addressKey(input.address),
    input.address.domain,
    input.name,
    input.passwordHash,
    input.language,
    input.enabled ? 1 : 0,
    input.at,
    input.outside ? 1 : 0,
    ...scramColumns(input.passwordHash, scramKeys),
  )
  if (!row) throw new Error('INSERT … RETURNING gave no row')
  await makeUsualMailboxes(tx, row.id, input.at)
  return row
}

function scramColumns(
  passwordHash: string,
  scramKeys: readonly string[],
): readonly [string | null, string | null] {
  return scramKeys.length === 0 ? [null, null] : [scramKeys.join(' '), passwordHash]
}

/** What is given changes; the rest stays. */
export interface AccountChange {
  readonly address: Address
  readonly name?: string | undefined
  readonly passwordHash?: string | undefined
  /** With a password of its own an account is no longer one that a directory elsewhere knows, unless this says so. */
  readonly outside?: boolean | undefined
  /** Of the new password; those of the old one go with it. */
  readonly scramKeys?: readonly string[] | undefined
  readonly language?: Language | undefined
  readonly enabled?: boolean | undefined
  /** Of a new password: programs that still have the old one are known for a while from then on. */
  readonly at?: number | undefined
}

export const changeAccount = defineDirectoryWrite(
  'directory.change-account',
  async (tx, input: AccountChange): Promise<void> => {
    if (input.name !== undefined) assertName(input.name)
    if (input.passwordHash !== undefined) assertPasswordHash(input.passwordHash)
    assertScramKeys(input.scramKeys ?? [])
    if (input.passwordHash !== undefined) await keepPassword(tx, input, input.passwordHash)
    const { changes } = await tx.run(
      `UPDATE account SET name = COALESCE(?, name), password_hash = COALESCE(?, password_hash),
            language = COALESCE(?, language), enabled = COALESCE(?, enabled) WHERE address_key = ?`,
      input.name ?? null,
      input.passwordHash ?? null,
      input.language ?? null,
      input.enabled === undefined ? null : input.enabled ? 1 : 0,
      addressKey(input.address),
    )
    if (changes === 0) throw noSuchAccount(input.address)
    if (input.passwordHash === undefined) return
    await tx.run(
      'UPDATE account SET outside = ?, scram_keys = ?, scram_hash = ? WHERE address_key = ?',
      input.outside ? 1 : 0,
      ...scramColumns(input.passwordHash, input.scramKeys ?? []),
      addressKey(input.address),
    )
    if (input.outside) return
    await tx.run(
      'UPDATE redirection SET outside_of = NULL WHERE outside_of = (SELECT id FROM account WHERE address_key = ?)',
      addressKey(input.address),
    )
  },
)

async function keepPassword(tx: Tx, { address, at }: AccountChange, passwordHash: string): Promise<void> {
  const row = await tx.get<ScramColumns & { readonly id: number }>(
    'SELECT id, password_hash, scram_keys, scram_hash FROM account WHERE address_key = ?',
    addressKey(address),
  )
  if (!row || at === undefined || row.password_hash === passwordHash) return
  await keepFormerPassword(tx, { accountId: row.id, keys: listScramKeys(row), at })
  await forgiveFailures(tx, row.id, at)
}

/** Whoever was held back for wrong passwords with this name may try again at once. */
export const forgiveLogIns = defineDirectoryWrite(
  'directory.forgive-log-ins',
  async (tx, { address, at }: { readonly address: Address; readonly at: number }): Promise<void> => {
    const row = await tx.get<{ id: number }>(
      'SELECT id FROM account WHERE address_key = ?',
      addressKey(address),
    )
    if (!row) throw noSuchAccount(address)
    await forgiveFailures(tx, row.id, at)
  },
)

export interface RemovedAccount {
  /** Aliases, groups and postmasters that it was a target of. */
  readonly unlinkedFrom: readonly string[]
  /** Mail data files to discard. */
  readonly orphanedFiles: readonly string[]
}

/** Refused while it has mail or something points to it, unless `withContents`. */
export const removeAccount = defineDirectoryWrite(
  'directory.remove-account',
  async (
    tx,
    input: { readonly address: Address; readonly withContents: boolean },
  ): Promise<RemovedAccount> => {
    const row = await tx.get<AccountRow>(`${selectAccounts} WHERE address_key = ?`, addressKey(input.address))
    if (!row) throw noSuchAccount(input.address)
    const { address } = readAccount(row)
    const unlinkedFrom = await pointersTo(tx, address)
    const messages = await countMessages(tx, row.id)
    const relayed = await relayDomainsOf(tx, row.id)
    if (!input.withContents && (messages > 0 || unlinkedFrom.length > 0 || relayed.length > 0)) {
      const reasons = [
        ...(messages > 0 ? [`has ${messages} ${messages === 1 ? 'message' : 'messages'}`] : []),
        ...(unlinkedFrom.length > 0 ? [`is a target of ${unlinkedFrom.join(', ')}`] : []),
        ...(relayed.length > 0 ? [`fetches the mail of ${relayed.join(', ')}`] : []),
      ]
      throw directoryFault(
        'DIRECTORY_ACCOUNT_IN_USE',
        `${displayAddress(address)} ${reasons.join(' and ')}. Repeat this with --force to remove it with its mail and from these, ` +
          `or disable it: postrider account disable ${displayAddress(address)}`,
      )
    }
    await unlink(tx, input.address)
    return { unlinkedFrom, orphanedFiles: await removeAccountRows(tx, row.id) }
  },
)

export function noSuchAccount(address: Address): Error {
  return directoryFault(
    'DIRECTORY_NO_SUCH_ADDRESS',
    `There is no account ${displayAddress(address)}. "postrider account list" shows them.`,
  )
}

async function countMessages(tx: Tx, accountId: number): Promise<number> {
  const row = await tx.get<{ messages: number }>(
    `SELECT COUNT(*) AS messages FROM mailbox_message
      WHERE mailbox_id IN (SELECT id FROM mailbox WHERE account_id = ?)`,
    accountId,
  )
  return row?.messages ?? 0
}

/** The domains that are relayed for a server which logs in with this account. */
async function relayDomainsOf(tx: Tx, accountId: number): Promise<string[]> {
  const rows = await tx.all<{ name: string }>(
    'SELECT name FROM relay_domain WHERE owner_id = ? ORDER BY name',
    accountId,
  )
  return rows.map(({ name }) => displayDomain(name))
}

/** The aliases, groups and domains whose mail goes to this address. */
async function pointersTo(tx: Tx, address: Address): Promise<string[]> {
  const rows = await tx.all<{ address: string }>(
    `SELECT address FROM redirection
      WHERE id IN (SELECT redirection_id FROM redirection_target WHERE target_key = ?) AND outside_of IS NULL
      ORDER BY address_key`,
    addressKey(address),
  )
  const domains = await domainsWithPostmaster(tx, address)
  return [
    ...rows.map(row => displayAddress(readAddress(row.address))),
    ...domains.map(domain => displayAddress({ localPart: 'postmaster', domain })),
  ]
}

async function domainsWithPostmaster(tx: Tx, address: Address): Promise<string[]> {
  const rows = await tx.all<{ name: string; postmaster: string }>(
    'SELECT name, postmaster FROM domain WHERE postmaster IS NOT NULL ORDER BY name',
  )
  const key = addressKey(address)
  return rows.filter(row => addressKey(readAddress(row.postmaster)) === key).map(row => row.name)
}

/** Takes the address out of every redirection; one that has no target left goes too. */
async function unlink(tx: Tx, address: Address): Promise<void> {
  for (const name of await domainsWithPostmaster(tx, address)) {
    await tx.run('UPDATE domain SET postmaster = NULL WHERE name = ?', name)
  }
  const key = addressKey(address)
  const rows = await tx.all<{ redirection_id: number }>(
    'SELECT redirection_id FROM redirection_target WHERE target_key = ?',
    key,
  )
  await tx.run('DELETE FROM redirection_target WHERE target_key = ?', key)
  for (const { redirection_id: id } of rows) {
    await tx.run(
      'DELETE FROM redirection WHERE id = ? AND NOT EXISTS (SELECT 1 FROM redirection_target WHERE redirection_id = ?)',
      id,
      id,
    )
  }
}
