// How long delivery may sleep.
import { defineRead } from '../storage/operation.ts'
import { firstOfEach } from './shards.ts'

/**
 * When the next recipient in these shards, undefined: in any, is due; undefined when nobody waits. Suspects of a death have
 * a way of their own.
 */
export const nextDueAt = defineRead(
  'queue.next-due-at',
  async (tx, shards: readonly number[] | undefined): Promise<number | undefined> => {
    const first = shards && firstOfEach(shards, { limit: 1 })
    const row = first
      ? await tx.get<{ due_at: number | null }>(
          `SELECT min(due_at) AS due_at FROM (${first.sql}) AS first_due`,
          ...first.values,
        )
      : await tx.get<{ due_at: number }>(
          "SELECT due_at FROM queue_recipient WHERE state = 'ready' AND deaths = 0 ORDER BY due_at LIMIT 1",
        )
    return row?.due_at ?? undefined
  },
)

/** The same for the suspects of a death. */
export const nextSuspectDueAt = defineRead(
  'queue.next-suspect-due-at',
  async (tx): Promise<number | undefined> => {
    // "<> 'held'", not "= 'ready'": else SQLite takes the index over the whole queue.
    const row = await tx.get<{ due_at: number }>(
      "SELECT due_at FROM queue_recipient WHERE deaths > 0 AND state <> 'held' ORDER BY due_at LIMIT 1",
    )
    return row?.due_at
  },
)
