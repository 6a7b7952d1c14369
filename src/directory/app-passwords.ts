// App passwords: one for each program of an account, made by this server, for some protocols, until some day. Whoever takes one
// away locks out that program and no other.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import { assertScramKeys } from './constraints.ts'
import { defineDirectoryWrite } from './define-directory-write.ts'
import { directoryFault } from './directory-fault.ts'
import { displayAddress } from './display.ts'
import { keepFormerPassword } from './former-passwords.ts'
import { forgiveFailures } from './known-networks.ts'
import { readAddress } from './rows.ts'

/** What it is good for. */
export const appPasswordScopes = ['smtp', 'imap', 'pop3', 'sieve'] as const
export type AppPasswordScope = (typeof appPasswordScopes)[number]

export interface AppPassword {
  readonly account: Address
  /** The program: 'phone', 'printer'; one line. */
  readonly name: string
  readonly scopes: readonly AppPasswordScope[]
  readonly createdAt: number
  /** From then on it is refused; undefined: never. */
  readonly expiresAt?: number | undefined
  /** To the minute. */
  readonly lastUsedAt?: number | undefined
}

/** What is kept of it. */
export interface AppPasswordSecret {
  /** Hexadecimal. */
  readonly digest: string
  readonly scramKeys: readonly string[]
}

export interface AppPasswordRow {
  readonly id: number
  readonly name: string
  readonly digest: string
  readonly scram_keys: string
  readonly scopes: string
  readonly created_at: number
  readonly expires_at: number | null
  readonly last_used_at: number | null
}

const columns = 'id, name, digest, scram_keys, scopes, created_at, expires_at, last_used_at'

/** So many has an account at most: each log-in is compared with all of them. */
const maxAppPasswords = 50

/** A fast hash will do, because the password has 80 random bits: nobody tries them all. */
export function digestAppPassword(password: string): string {
  return createHash('sha256').update(password).digest('hex')
}

export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

/** Compared with each, whichever it is. */
export function findAppPassword(
  rows: readonly AppPasswordRow[],
  password: string,
): AppPasswordRow | undefined {
  const digest = Buffer.from(digestAppPassword(password))
  return rows.filter(row => {
    const known = Buffer.from(row.digest)
    return known.length === digest.length && timingSafeEqual(known, digest)
  })[0]
}

/** As texts. */
export function listAppScramKeys({ scram_keys }: Pick<AppPasswordRow, 'scram_keys'>): readonly string[] {
  return scram_keys === '' ? [] : scram_keys.split(' ')
}

export function readScopes(text: string): readonly AppPasswordScope[] {
  const words = text.split(' ')
  return appPasswordScopes.filter(scope => words.includes(scope))
}

export async function appPasswordsOf(tx: Tx, accountId: number): Promise<AppPasswordRow[]> {
  return await tx.all<AppPasswordRow>(
    `SELECT ${columns} FROM app_password WHERE account_id = ? ORDER BY name`,
    accountId,
  )
}

/** All, or those of one account. */
export const listAppPasswords = defineRead(
  'directory.list-app-passwords',
  async (tx, input: { readonly account?: Address | undefined }): Promise<AppPassword[]> =>
    (await selectAppPasswords(tx))
      .filter(({ account }) => !input.account || addressKey(account) === addressKey(input.account))
      .map(({ digest: _digest, scramKeys: _scramKeys, ...shown }) => shown),
)

export async function selectAppPasswords(tx: Tx): Promise<(AppPassword & AppPasswordSecret)[]> {
  const rows = await tx.all<AppPasswordRow & { readonly address: string }>(
    `SELECT app_password.id, app_password.name, digest, app_password.scram_keys, scopes, app_password.created_at,
            expires_at, last_used_at, address
       FROM app_password JOIN account ON account.id = app_password.account_id
      ORDER BY domain, address_key, app_password.name`,
  )
  return rows.map(row => ({
    account: readAddress(row.address),
    name: row.name,
    digest: row.digest,
    scramKeys: listAppScramKeys(row),
    scopes: readScopes(row.scopes),
    createdAt: row.created_at,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
  }))
}

export interface NewAppPassword extends AppPasswordSecret {
  readonly account: Address
  readonly name: string
  readonly scopes: readonly AppPasswordScope[]
  readonly expiresAt?: number | undefined
  readonly at: number
}

export const createAppPassword = defineDirectoryWrite(
  'directory.create-app-password',
  async (tx, input: NewAppPassword): Promise<void> => {
    const accountId = await accountIdOf(tx, input.account)
    const others = await appPasswordsOf(tx, accountId)
    if (others.some(({ name }) => name === input.name))
      throw directoryFault(
        'DIRECTORY_APP_PASSWORD_EXISTS',
        `${displayAddress(input.account)} has an app password "${input.name}" already. Remove that first, or choose another name.`,
      )
    if (others.length >= maxAppPasswords)
      throw directoryFault(
        'DIRECTORY_TOO_MANY_APP_PASSWORDS',
        `${displayAddress(input.account)} has ${others.length} app passwords, which is the most. Remove those that are not used any more: postrider account app-password list ${displayAddress(input.account)}`,
      )
    await insertAppPassword(tx, accountId, input)
    // The program that it is for may have tried with another.
    await forgiveFailures(tx, accountId, input.at)
  },
)

async function insertAppPassword(tx: Tx, accountId: number, input: NewAppPassword): Promise<void> {
  assertAppPasswordName(input.name)
  assertScramKeys(input.scramKeys)
  if (!isDigest(input.digest))
    throw directoryFault('DIRECTORY_BAD_PASSWORD', 'The digest of an app password is SHA-256 in hexadecimal.')
  if (input.scopes.length === 0)
    throw directoryFault(
      'DIRECTORY_BAD_SCOPE',
      'An app password has to be good for something: give it a scope.',
    )
  await tx.run(
    `INSERT INTO app_password (account_id, name, digest, scram_keys, scopes, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    accountId,
    input.name,
    input.digest,
    input.scramKeys.join(' '),
    input.scopes.join(' '),
    input.at,
    input.expiresAt ?? null,
  )
}

/** The same name again, with what is said now; it is as old, and as used, as before where the password is the same. */
export async function writeAppPassword(tx: Tx, input: NewAppPassword): Promise<void> {
  const accountId = await accountIdOf(tx, input.account)
  const old = (await appPasswordsOf(tx, accountId)).find(({ name }) => name === input.name)
  if (old?.digest === input.digest) {
    assertScramKeys(input.scramKeys)
    await tx.run(
      'UPDATE app_password SET scram_keys = ?, scopes = ?, expires_at = ? WHERE id = ?',
      input.scramKeys.join(' '),
      input.scopes.join(' '),
      input.expiresAt ?? null,
      old.id,
    )
    return
  }
  if (old) await removeRow(tx, accountId, old, input.at)
  await insertAppPassword(tx, accountId, input)
}

export const removeAppPassword = defineDirectoryWrite(
  'directory.remove-app-password',
  async (
    tx,
    { account, name, at }: { readonly account: Address; readonly name: string; readonly at: number },
  ): Promise<void> => {
    const accountId = await accountIdOf(tx, account)
    const row = (await appPasswordsOf(tx, accountId)).find(one => one.name === name)
    if (!row)
      throw directoryFault(
        'DIRECTORY_NO_SUCH_APP_PASSWORD',
        `${displayAddress(account)} has no app password "${name}". "postrider account app-password list ${displayAddress(account)}" shows those it has.`,
      )
    await removeRow(tx, accountId, row, at)
  },
)

async function removeRow(tx: Tx, accountId: number, row: AppPasswordRow, at: number): Promise<void> {
  await tx.run('DELETE FROM app_password WHERE id = ?', row.id)
  await keepFormerPassword(tx, { accountId, keys: listAppScramKeys(row), at })
}

export const noteAppPasswordUse = defineWrite(
  'directory.note-app-password-use',
  async (tx, { id, at }: { readonly id: number; readonly at: number }): Promise<void> => {
    await tx.run('UPDATE app_password SET last_used_at = ? WHERE id = ?', at, id)
  },
)

async function accountIdOf(tx: Tx, address: Address): Promise<number> {
  const row = await tx.get<{ id: number }>(
    'SELECT id FROM account WHERE address_key = ?',
    addressKey(address),
  )
  if (row) return row.id
  throw directoryFault(
    'DIRECTORY_NO_SUCH_ADDRESS',
    `There is no account ${displayAddress(address)}. "postrider account list" shows them.`,
  )
}

const maxAppPasswordNameLength = 100

/** undefined: it will do. */
export function problemOfAppPasswordName(name: string): string | undefined {
  return name.trim() === '' || /[\p{Cc}\u2028\u2029]/u.test(name) || name.length > maxAppPasswordNameLength
    ? `The name of an app password is one line of at most ${maxAppPasswordNameLength} characters, without control characters: phone, "office printer".`
    : undefined
}

function assertAppPasswordName(name: string): void {
  const problem = problemOfAppPasswordName(name)
  if (problem !== undefined) throw directoryFault('DIRECTORY_BAD_NAME', problem)
}
