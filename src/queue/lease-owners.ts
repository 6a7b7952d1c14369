// Owners of leases, where several servers share a queue: each says again and again that it lives; what a silent one holds
// is given to the others (docs/adr/0006).
import { defineWrite } from '../storage/operation.ts'
import { releaseLeases } from './release-leases.ts'

/** Before its first claim. */
export const enterOwner = defineWrite(
  'queue.enter-owner',
  async (tx, { owner, aliveUntil }: { readonly owner: string; readonly aliveUntil: number }) => {
    await tx.run('INSERT INTO lease_owner (name, alive_until) VALUES (?, ?)', owner, aliveUntil)
  },
)

/** False: it was silent for too long, and others have what it held. */
export const keepOwner = defineWrite(
  'queue.keep-owner',
  async (
    tx,
    { owner, aliveUntil }: { readonly owner: string; readonly aliveUntil: number },
  ): Promise<boolean> => {
    const { changes } = await tx.run(
      'UPDATE lease_owner SET alive_until = ? WHERE name = ?',
      aliveUntil,
      owner,
    )
    return changes === 1
  },
)

export interface Buried {
  readonly owners: readonly string[]
  /** Recipients that are due again. */
  readonly released: number
}

/** Gives to all what those held who are silent, `except` for one who knows that it lives. */
export const buryOwners = defineWrite(
  'queue.bury-owners',
  async (tx, { now, except }: { readonly now: number; readonly except: string }): Promise<Buried> => {
    const silent = await tx.all<{ name: string }>(
      `SELECT name FROM lease_owner WHERE alive_until < ? AND name <> ? ${tx.skipLocked}`,
      now,
      except,
    )
    let released = 0
    for (const { name } of silent) {
      released += await releaseLeases.run(tx, { owner: name, now })
      await tx.run('DELETE FROM lease_owner WHERE name = ?', name)
    }
    return { owners: silent.map(({ name }) => name), released }
  },
  { wakes: 'queue' },
)

/** After its end: it holds nothing any more. */
export const removeOwner = defineWrite(
  'queue.remove-owner',
  async (tx, { owner }: { readonly owner: string }) => {
    await tx.run('DELETE FROM lease_owner WHERE name = ?', owner)
  },
)
