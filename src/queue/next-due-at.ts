// How long delivery may sleep.
import { defineRead } from '../storage/operation.ts'

/** When the next recipient is due; undefined when nobody waits. */
export const nextDueAt = defineRead('queue.next-due-at', async (tx): Promise<number | undefined> => {
  const row = await tx.get<{ due_at: number | null }>(
    "SELECT min(due_at) AS due_at FROM queue_recipient WHERE state = 'ready'",
  )
  return row?.due_at ?? undefined
})
