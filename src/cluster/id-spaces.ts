// Which of the servers that share a database makes which queue ids (docs/adr/0003): each thread that makes some has a space
// of its own, which its server keeps as long as it says that it lives.
import { idSpaces } from '../queue/queue-id.ts'
import { Fault } from '../runtime/fault.ts'
import { defineWrite } from '../storage/operation.ts'

/**
 * After so long a silence what a server had is another's: far longer than any that still runs is silent. Counted until the
 * last word of any server: in an outage of the database all are silent.
 */
export const idSpaceSilentMs = 10 * 60_000

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
    await tx.run(
      'DELETE FROM id_space WHERE seen_at < (SELECT max(seen_at) FROM id_space) - ?',
      idSpaceSilentMs,
    )
    const rows = await tx.all<{ number: number }>('SELECT number FROM id_space')
    const taken = new Set(rows.map(({ number }) => number))
    const own: number[] = []
    for (let number = 0; number < idSpaces && own.length < count; number++) {
      if (taken.has(number)) continue
      // Another server may take it at the same moment.
      const { changes } = await tx.run(
        'INSERT INTO id_space (number, node_id, seen_at) VALUES (?, ?, ?) ON CONFLICT (number) DO NOTHING',
        number,
        nodeId,
        now,
      )
      if (changes === 1) own.push(number)
    }
    if (own.length < count)
      throw new Fault(
        'CLUSTER_FULL',
        `There are ${idSpaces} spaces of queue ids for all threads of all servers, and too few are left: run fewer servers, or fewer threads in each (threads.front).`,
      )
    return own
  },
)
