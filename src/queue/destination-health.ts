// What delivery knows of the servers of destinations, for the time after a restart and for people. The text is delivery's.
import { defineRead, defineWrite } from '../storage/operation.ts'

export interface DestinationHealthRow {
  readonly destination: string
  readonly health: string
}

export const listDestinationHealth = defineRead(
  'queue.list-destination-health',
  async tx =>
    await tx.all<DestinationHealthRow>(
      'SELECT destination, health FROM destination_health ORDER BY destination',
    ),
)

/** undefined: nothing is remarkable. */
export const findDestinationHealth = defineRead(
  'queue.find-destination-health',
  async (tx, { destination }: { readonly destination: string }): Promise<string | undefined> => {
    const row = await tx.get<{ health: string }>(
      'SELECT health FROM destination_health WHERE destination = ?',
      destination,
    )
    return row?.health
  },
)

/** Of which nothing new was learnt since then; at most `limit`. Their number. */
export const forgetDestinationHealth = defineWrite(
  'queue.forget-destination-health',
  async (tx, { before, limit }: { readonly before: number; readonly limit: number }): Promise<number> => {
    const { changes } = await tx.run(
      `DELETE FROM destination_health WHERE destination IN
         (SELECT destination FROM destination_health WHERE updated_at < ? LIMIT ?)`,
      before,
      limit,
    )
    return changes
  },
)

/** Without `health` nothing is remarkable any more. */
export const noteDestinationHealth = defineWrite(
  'queue.note-destination-health',
  async (
    tx,
    {
      destination,
      health,
      now,
    }: { readonly destination: string; readonly health?: string | undefined; readonly now: number },
  ): Promise<void> => {
    if (health === undefined) {
      await tx.run('DELETE FROM destination_health WHERE destination = ?', destination)
      return
    }
    await tx.run(
      `INSERT INTO destination_health (destination, health, updated_at) VALUES (?, ?, ?)
       ON CONFLICT (destination) DO UPDATE SET health = excluded.health, updated_at = excluded.updated_at`,
      destination,
      health,
      now,
    )
  },
)
