// Which of the servers that share a database makes which queue ids (docs/adr/0003): each thread that makes some has a space
// of its own, which its server keeps as long as it says that it lives.
import { idSpaces } from '../queue/queue-id.ts'
import { Fault } from '../runtime/fault.ts'
import { defineWrite } from '../storage/operation.ts'

/**
 * After so long a silence what a server had may be another's, when nothing else is left: longer than any that still runs is
 * silent, but for an outage of the database.
 */
const idSpaceSilentMs = 10 * 60_000

export interface IdSpaceClaim {
  readonly nodeId: string
  readonly count: number
  readonly now: number
}

/** Rejects when too few are left. */
export const takeIdSpaces = defineWrite(
  'cluster.take-id-spaces',
  async (tx, { nodeId, count, now }: IdSpaceClaim): Promise<readonly number[]> => {
    // Its own, of a start that was cut off.
    await tx.run('DELETE FROM id_space WHERE node_id = ?', nodeId)
    const silentSince = now - idSpaceSilentMs
    const taken = await tx.all<{ number: number; seen_at: number }>(
      'SELECT number, seen_at FROM id_space ORDER BY seen_at, number',
    )
    const numbers = new Set(taken.map(({ number }) => number))
    const free = Array.from({ length: idSpaces }, (_, number) => number).filter(
      number => !numbers.has(number),
    )
    const silent = taken.filter(({ seen_at }) => seen_at < silentSince).map(({ number }) => number)
    const own: number[] = []
    for (const number of [...free, ...silent]) {
      if (own.length === count) break
      // Another server may take it at the same moment, or whose it is may come back.
      const { changes } = await tx.run(
        `INSERT INTO id_space (number, node_id, seen_at) VALUES (?, ?, ?)
         ON CONFLICT (number) DO UPDATE SET node_id = excluded.node_id, seen_at = excluded.seen_at
           WHERE id_space.seen_at < ?`,
        number,
        nodeId,
        now,
        silentSince,
      )
      if (changes === 1) own.push(number)
    }
    if (own.length < count)
      throw new Fault(
        'CLUSTER_FULL',
        `There are ${idSpaces} spaces of queue ids for all threads of all servers, and too few are left: run fewer servers, or fewer threads in each (threads.front). Those of a server that was killed are free ten minutes later.`,
      )
    return own
  },
)
