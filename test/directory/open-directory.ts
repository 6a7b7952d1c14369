// A real storage in a folder of its own, with a directory in it.
import type { TestContext } from 'node:test'
import type { Address } from '../../src/address/address.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import { createAccount } from '../../src/directory/accounts.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { type StoredPassword, storedPassword } from '../../src/directory/new-password.ts'
import { createRedirection } from '../../src/directory/redirections.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { openTestStorage } from '../harness/test-storage.ts'

/** A hash of the right form that no password has: hashing costs time, and most tests never log in. */
export const noPassword = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`

export const at = Date.UTC(2026, 0, 1)

export function address(text: string): Address {
  if (text.startsWith('@')) return { localPart: '', domain: text.slice(1) }
  const parsed = parseAddress(text)
  if (!parsed) throw new Error(`not an address: ${text}`)
  return parsed
}

export async function openDirectory(t: TestContext): Promise<Storage> {
  return (await openTestStorage(t)).storage
}

export async function addDomain(storage: Storage, name: string, postmaster?: string): Promise<void> {
  await storage.run(createDomain, {
    name,
    postmaster: postmaster === undefined ? undefined : address(postmaster),
    at,
  })
}

export async function addAccount(storage: Storage, text: string, enabled = true): Promise<number> {
  const input = {
    address: address(text),
    name: '',
    passwordHash: noPassword,
    language: 'en',
    enabled,
    at,
  } as const
  return (await storage.run(createAccount, input)).id
}

/** As the command line keeps passwords. */
export function keepPasswords(storage: Storage): (name: string, password: string) => Promise<StoredPassword> {
  return (name, password) =>
    storedPassword(storage, name, password, { random: systemRandom, at, scramHashes: ['SHA-256'] })
}

export async function addAlias(storage: Storage, text: string, ...targets: readonly string[]): Promise<void> {
  await storage.run(createRedirection, {
    kind: 'alias',
    address: address(text),
    name: '',
    targets: targets.map(address),
    at,
  })
}

export async function addGroup(storage: Storage, text: string, ...members: readonly string[]): Promise<void> {
  await storage.run(createRedirection, {
    kind: 'group',
    address: address(text),
    name: 'A group',
    targets: members.map(address),
    at,
  })
}
