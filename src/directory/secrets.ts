// Keys that the servers over one storage share: made once, by whichever needs one first, and in no export.
import type { Random } from '../runtime/random.ts'
import { defineRead, defineWrite, type Storage } from '../storage/operation.ts'

interface SecretRow {
  readonly value: Uint8Array
}

const selectSecret = 'SELECT value FROM shared_key WHERE name = ?'

export const findSecret = defineRead(
  'directory.find-secret',
  async (tx, { name }: { readonly name: string }): Promise<Uint8Array | undefined> =>
    (await tx.get<SecretRow>(selectSecret, name))?.value,
)

export interface NewSecret {
  readonly name: string
  readonly value: Uint8Array
  readonly at: number
}

/** The one that holds: another server may have been faster. */
export const createSecret = defineWrite(
  'directory.create-secret',
  async (tx, { name, value, at }: NewSecret): Promise<Uint8Array> => {
    await tx.run(
      'INSERT INTO shared_key (name, value, created_at) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING',
      name,
      value,
      at,
    )
    return (await tx.get<SecretRow>(selectSecret, name))?.value ?? value
  },
)

const secretBytes = 32

export async function obtainSecret(
  storage: Pick<Storage, 'run'>,
  name: string,
  { random, at }: { readonly random: Random; readonly at: number },
): Promise<Uint8Array> {
  const known = await storage.run(findSecret, { name })
  return known ?? (await storage.run(createSecret, { name, value: random.bytes(secretBytes), at }))
}
