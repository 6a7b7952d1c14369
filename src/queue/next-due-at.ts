// How long delivery may sleep.
import { defineRead, type Tx } from '../storage/operation.ts'
import { firstOfEach } from './shards.ts'

/** Each undefined when nobody waits. */
export interface NextDueAt {
  /** What is in the shards that were asked for. */
  readonly work: number | undefined
  /** Suspects of a death, which have a way of their own. */
  readonly suspects: number | undefined
}

/** In these shards; undefined: in any. One read, because it is asked for at each wake-up. */
export const nextDueAt = defineRead(
  'queue.next-due-at',
  async (tx, shards: readonly number[] | undefined): Promise<NextDueAt> => {
    const [work, suspects] = await tx.forAll([() => nextWork(tx, shards), () => nextSuspects(tx)], ask =>
      ask(),
    )
    return { work, suspects }
  },
)

async function nextWork(tx: Tx, shards: readonly number[] | undefined): Promise<number | undefined> {
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
}

async function nextSuspects(tx: Tx): Promise<number | undefined> {
  // "<> 'held'", not "= 'ready'": else SQLite takes the index over the whole queue.
  const row = await tx.get<{ due_at: number }>(
    "SELECT due_at FROM queue_recipient WHERE deaths > 0 AND state <> 'held' ORDER BY due_at LIMIT 1",
  )
  return row?.due_at
}
