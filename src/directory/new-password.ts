// A password as it is kept: a hash to compare with what somebody sends, and keys for who does not send it (SCRAM).
import type { Random } from '../runtime/random.ts'
import type { ScramHash } from '../sasl/scram-keys.ts'
import type { Storage } from '../storage/operation.ts'
import { hashPassword } from './credentials.ts'
import { deriveScramKeys, obtainScramPolicy } from './scram-credentials.ts'

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
  const policy = await obtainScramPolicy(storage, { random, at })
  return { passwordHash, scramKeys: await deriveScramKeys(policy, scramHashes, name, password) }
}
