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

/** All who take from the queue; undefined: it was silent for too long, and others have what it held. */
export const keepOwner = defineWrite(
  'queue.keep-owner',
  async (
    tx,
    { owner, now, aliveUntil }: { readonly owner: string; readonly now: number; readonly aliveUntil: number },
  ): Promise<readonly string[] | undefined> => {
    const { changes } = await tx.run(
      'UPDATE lease_owner SET alive_until = ? WHERE name = ?',
      aliveUntil,
      owner,
    )
    if (changes === 0) return undefined
    const rows = await tx.all<{ name: string }>(
      'SELECT name FROM lease_owner WHERE takes_more = 1 AND alive_until >= ? ORDER BY name',
      now,
    )
    return rows.map(({ name }) => name)
  },
  { isUrgent: true },
)

/** It finishes what it holds and takes no more: what would be its own is the others'. */
export const retireOwner = defineWrite(
  'queue.retire-owner',
  async (tx, { owner }: { readonly owner: string }) => {
    await tx.run('UPDATE lease_owner SET takes_more = 0 WHERE name = ?', owner)
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
  { wakes: 'queue', waitsForOthers: true },
)

/** After its end: it holds nothing any more. */
export const removeOwner = defineWrite(
  'queue.remove-owner',
  async (tx, { owner }: { readonly owner: string }) => {
    await tx.run('DELETE FROM lease_owner WHERE name = ?', owner)
  },
)
