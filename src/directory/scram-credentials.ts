// What is kept beside an account's password hash, so that SCRAM can be spoken with it.
import { createHmac } from 'node:crypto'
import { addressKey } from '../address/address-key.ts'
import { parseAddress } from '../address/parse-address.ts'
import type { Random } from '../runtime/random.ts'
import {
  deriveScramCredential,
  formatScramCredential,
  parseScramCredential,
  type ScramCredential,
  type ScramHash,
  type ScramParameters,
} from '../sasl/scram-keys.ts'
import { defineRead, defineWrite, type Storage, type Tx } from '../storage/operation.ts'
import { nobodysHash } from './credentials.ts'
import { obtainSecret } from './secrets.ts'

/**
 * What a client computes once for each password, about 0.05 s on a computer and under a second on an old telephone. RFC 7677
 * asks for 4096 at least; whoever steals the database tries passwords against these keys, not against Argon2id, so more is
 * better. OWASP's 600,000 (of 2023) takes some mail programs several seconds at each log-in, since few of them remember. And
 * clients with Cyrus SASL (mbsync, Postfix and others) give up above 65,536, without trying another mechanism.
 */
const iterations = 65_536
const saltBytes = 16

/** How the keys of one system are made. */
export interface ScramPolicy {
  readonly secret: Uint8Array
  /** For whom nothing is kept: keys that no proof fits, in the form in which those of an account are kept, so that reading them is as much work. */
  readonly nobody: ScramColumns
}

export async function obtainScramPolicy(
  storage: Pick<Storage, 'run'>,
  source: { readonly random: Random; readonly at: number },
): Promise<ScramPolicy> {
  const secret = await obtainSecret(storage, 'scram-salt', source)
  const salt = source.random.bytes(saltBytes)
  const keys = (['SHA-256', 'SHA-1'] as const).map(hash => {
    const bytes = hash === 'SHA-256' ? 32 : 20
    const [storedKey, serverKey] = [source.random.bytes(bytes), source.random.bytes(bytes)]
    return formatScramCredential({ hash, salt, iterations, storedKey, serverKey })
  })
  const nobody = { password_hash: nobodysHash, scram_hash: nobodysHash, scram_keys: keys.join(' ') }
  return { secret, nobody }
}

/**
 * The salt of a name is always the same, and follows from a key that only this system has: whoever asks learns nothing from it,
 * neither whether there is such an account, nor whether it has just got keys (RFC 5802 §9 leaves that to the server). All
 * passwords of an account share it, since the client says its name and not which of them it knows.
 */
export function scramParametersOf({ secret }: ScramPolicy, hash: ScramHash, name: string): ScramParameters {
  const address = parseAddress(name)
  const key = address ? addressKey(address) : name
  const salt = createHmac('sha256', secret).update(`SCRAM-${hash}\0${key}`).digest()
  return { salt: salt.subarray(0, saltBytes), iterations }
}

/** As texts, for the storage. */
export async function deriveScramKeys(
  policy: ScramPolicy,
  hashes: readonly ScramHash[],
  name: string,
  password: string,
  /** Of other passwords of this account, which may have come from another system, with a salt of that: it is shared. */
  others: readonly ScramCredential[] = [],
): Promise<string[]> {
  const credentials = await Promise.all(
    hashes.map(hash => {
      const parameters = others.find(other => other.hash === hash) ?? scramParametersOf(policy, hash, name)
      return deriveScramCredential(hash, password, parameters)
    }),
  )
  return credentials.map(formatScramCredential)
}

export interface ScramColumns {
  readonly password_hash: string
  readonly scram_keys: string | null
  readonly scram_hash: string | null
}

/** None of another password than that of the hash. */
function readScramKeys(row: ScramColumns): readonly ScramCredential[] {
  return listScramKeys(row).flatMap(text => parseScramCredential(text) ?? [])
}

/** Of the texts the one for this hash. */
export function findScramKeys(texts: readonly string[], hash: ScramHash): ScramCredential | undefined {
  const text = texts.find(each => each.startsWith(`SCRAM-${hash}$`))
  return text === undefined ? undefined : parseScramCredential(text)
}

export function listScramKeys({ password_hash, scram_keys, scram_hash }: ScramColumns): readonly string[] {
  return scram_keys !== null && scram_hash === password_hash ? scram_keys.split(' ') : []
}

export interface AddedScramKeys {
  readonly accountId: number
  /** Of the password that they are derived from. */
  readonly passwordHash: string
  readonly scramKeys: readonly string[]
}

export const findScramColumns = defineRead(
  'directory.find-scram-keys',
  async (tx, { id }: { readonly id: number }) => {
    const row = await tx.get<ScramColumns & { readonly address: string }>(
      'SELECT address, password_hash, scram_keys, scram_hash FROM account WHERE id = ?',
      id,
    )
    return row && { ...row, appKeys: await listAppScramKeys(tx, id) }
  },
)

/** As texts, of all app passwords of an account. */
async function listAppScramKeys(tx: Tx, accountId: number): Promise<string[]> {
  const rows = await tx.all<{ scram_keys: string }>(
    'SELECT scram_keys FROM app_password WHERE account_id = ? ORDER BY id',
    accountId,
  )
  return rows.flatMap(row => (row.scram_keys === '' ? [] : row.scram_keys.split(' ')))
}

/** As texts, of all passwords of an account, or of its app passwords only. */
export const findScramKeysOf = defineRead(
  'directory.find-scram-keys-of',
  async (
    tx,
    { key, of }: { readonly key: string; readonly of: 'all' | 'app-passwords' },
  ): Promise<readonly string[]> => {
    const row = await tx.get<ScramColumns & { readonly id: number }>(
      'SELECT id, password_hash, scram_keys, scram_hash FROM account WHERE address_key = ?',
      key,
    )
    if (!row) return []
    return [...(of === 'all' ? listScramKeys(row) : []), ...(await listAppScramKeys(tx, row.id))]
  },
)

/**
 * For an account that has just shown its password, and has no keys of it: they were not made when it was set. Keys that are
 * there stay, so that the salt that its clients may remember does not change.
 */
export async function addMissingScramKeys(
  storage: Pick<Storage, 'run'>,
  policy: ScramPolicy,
  hashes: readonly ScramHash[],
  { id, password }: { readonly id: number; readonly password: string },
): Promise<void> {
  const account = await storage.run(findScramColumns, { id })
  if (!account) return
  const known = readScramKeys(account)
  const missing = hashes.filter(hash => !known.some(key => key.hash === hash))
  if (missing.length === 0) return
  const apps = account.appKeys.flatMap(text => parseScramCredential(text) ?? [])
  const added = await deriveScramKeys(policy, missing, account.address, password, apps)
  await storage.run(addScramKeys, {
    accountId: id,
    passwordHash: account.password_hash,
    scramKeys: [...known.map(formatScramCredential), ...added],
  })
}

/** To an account that has none, or not all; not when its password has changed meanwhile. */
export const addScramKeys = defineWrite(
  'directory.add-scram-keys',
  async (tx, { accountId, passwordHash, scramKeys }: AddedScramKeys): Promise<void> => {
    await tx.run(
      'UPDATE account SET scram_keys = ?, scram_hash = password_hash WHERE id = ? AND password_hash = ?',
      scramKeys.join(' '),
      accountId,
      passwordHash,
    )
  },
)
