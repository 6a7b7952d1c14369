// A password as it is kept: a hash to compare with what somebody sends, and keys for who does not send it (SCRAM).

import { addressKey } from '../address/address-key.ts'
import { parseAddress } from '../address/parse-address.ts'
import type { Random } from '../runtime/random.ts'
import { parseScramCredential, type ScramHash } from '../sasl/scram-keys.ts'
import type { Storage } from '../storage/operation.ts'
import { type AppPasswordSecret, digestAppPassword } from './app-passwords.ts'
import { hashPassword } from './credentials.ts'
import { deriveScramKeys, findScramKeysOf, obtainScramPolicy } from './scram-credentials.ts'

export interface StoredPassword {
  readonly passwordHash: string
  readonly scramKeys: readonly string[]
}

export interface PasswordTerms {
  readonly random: Random
  readonly at: number
  /** For which hashes keys are kept. */
  readonly scramHashes: readonly ScramHash[]
}

/** Slow by design. */
export async function storedPassword(
  storage: Pick<Storage, 'run'>,
  /** With which it is used: the address of the account. */
  name: string,
  password: string,
  { random, at, scramHashes }: PasswordTerms,
): Promise<StoredPassword> {
  const passwordHash = await hashPassword(password, random)
  if (scramHashes.length === 0) return { passwordHash, scramKeys: [] }
  return {
    passwordHash,
    // What it takes the place of has no say: else few rounds, or too many for a mail program, would stay for ever.
    scramKeys: await makeScramKeys(storage, name, password, 'app-passwords', { random, at, scramHashes }),
  }
}

/** What is kept of an app password: keys for whatever a program may speak, since it is shown this once. */
export async function storedAppPassword(
  storage: Pick<Storage, 'run'>,
  name: string,
  password: string,
  source: Pick<PasswordTerms, 'random' | 'at'>,
): Promise<AppPasswordSecret> {
  const scramKeys = await makeScramKeys(storage, name, password, 'all', {
    ...source,
    scramHashes: ['SHA-256', 'SHA-1'],
  })
  return { digest: digestAppPassword(password), scramKeys }
}

async function makeScramKeys(
  storage: Pick<Storage, 'run'>,
  name: string,
  password: string,
  /** With which passwords of the account these keys share their salt. */
  beside: 'all' | 'app-passwords',
  { random, at, scramHashes }: PasswordTerms,
): Promise<string[]> {
  const policy = await obtainScramPolicy(storage, { random, at })
  const address = parseAddress(name)
  const others = address ? await storage.run(findScramKeysOf, { key: addressKey(address), of: beside }) : []
  return await deriveScramKeys(
    policy,
    scramHashes,
    name,
    password,
    others.flatMap(text => parseScramCredential(text) ?? []),
  )
}
