// How long delivery may sleep.
import { defineRead } from '../storage/operation.ts'

/** When the next recipient is due; undefined when nobody waits. Suspects of a death have a way of their own. */
export const nextDueAt = defineRead('queue.next-due-at', async (tx): Promise<number | undefined> => {
  const row = await tx.get<{ due_at: number }>(
    "SELECT due_at FROM queue_recipient WHERE state = 'ready' AND deaths = 0 ORDER BY due_at LIMIT 1",
  )
  return row?.due_at
})

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
