// A password as it is kept of an account, at the least cost that a server takes: what it takes to guess one is not what most tests are
// about, and each of their accounts would have it made, and each log-in verify it.
import { argon2Sync } from 'node:crypto'
import type { PasswordTerms, StoredPassword } from '../../src/directory/new-password.ts'
import {
  deriveScramKeys,
  obtainScramPolicy,
  scramParametersOf,
} from '../../src/directory/scram-credentials.ts'
import { leastIterations } from '../../src/sasl/scram-keys.ts'
import type { Storage } from '../../src/storage/operation.ts'

export async function quickPassword(
  storage: Pick<Storage, 'run'>,
  name: string,
  password: string,
  { random, at, scramHashes }: PasswordTerms,
): Promise<StoredPassword> {
  const policy = await obtainScramPolicy(storage, { random, at })
  const cheap = scramHashes.map(hash => ({
    ...scramParametersOf(policy, hash, name),
    hash,
    iterations: leastIterations,
    storedKey: Buffer.alloc(0),
    serverKey: Buffer.alloc(0),
  }))
  return {
    passwordHash: quickPasswordHash(password, Buffer.from(random.bytes(16))),
    scramKeys: await deriveScramKeys(policy, scramHashes, name, password, cheap),
  }
}

function quickPasswordHash(password: string, nonce: Buffer): string {
  const cost = { memory: 8, passes: 1, parallelism: 1, tagLength: 32 }
  const tag = argon2Sync('argon2id', { message: Buffer.from(password.normalize('NFC')), nonce, ...cost })
  const [salt, hash] = [nonce, tag].map(bytes => bytes.toString('base64').replaceAll('=', ''))
  return `$argon2id$v=19$m=8,t=1,p=1$${salt}$${hash}`
}
