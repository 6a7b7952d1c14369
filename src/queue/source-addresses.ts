// The addresses from which mail leaves, and since when: for all servers that share the database, and beyond a restart.
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'

/** When it was first used; now, if it never was. ms since 1970. */
export const noteSourceUse = defineWrite(
  'queue.note-source-use',
  async (tx, { address, now }: { readonly address: string; readonly now: number }): Promise<number> => {
    await tx.run(
      'INSERT INTO source_address (address, first_used_at) VALUES (?, ?) ON CONFLICT (address) DO NOTHING',
      address,
      now,
    )
    return (await readFirstUse(tx, address)) ?? now
  },
)

/** undefined: it never was. */
export const findSourceUse = defineRead(
  'queue.find-source-use',
  async (tx, { address }: { readonly address: string }): Promise<number | undefined> =>
    await readFirstUse(tx, address),
)

async function readFirstUse(tx: Tx, address: string): Promise<number | undefined> {
  const row = await tx.get<{ first_used_at: number }>(
    'SELECT first_used_at FROM source_address WHERE address = ?',
    address,
  )
  return row?.first_used_at
}
