// The queue in parts by destination, where several servers take from it: mail for one destination is one server's, whose
// connections are used again and whose limits then hold for all of them (docs/adr/0008).
import { hashText } from '../runtime/hash-text.ts'

const shardCount = 64

/** Of recipients in domains of ours: a mailbox can be filled from anywhere. */
export const anyonesShard = -1

// Stored with each recipient, so it may never change.
const shardKey = 0x811c9dc5

/** Of recipients elsewhere. */
export function shardOfDomain(domain: string): number {
  return hashText(domain, shardKey) % shardCount
}

export interface Sharing {
  /** Who asks, and all who take from the queue now, in any order. */
  readonly owner: string
  readonly owners: readonly string[]
  /** Set when all mail for elsewhere has this one destination. */
  readonly onlyDestination?: string | undefined
}

/**
 * The shards that are this owner's; undefined: all, because nobody else takes from the queue. One that comes or goes moves
 * no shard between two others (rendezvous hashing).
 */
export function shardsOf({ owner, owners, onlyDestination }: Sharing): readonly number[] | undefined {
  if (owners.every(other => other === owner)) return undefined
  const shards = Array.from({ length: shardCount }, (_, shard) => shard)
  const own = shards.filter(shard => {
    const key = onlyDestination ?? `${shard}`
    const rank = weigh(owner, key)
    return owners.every(other => weigh(other, key) <= rank)
  })
  return [anyonesShard, ...own]
}

function weigh(owner: string, key: string): number {
  return hashText(`${key} ${owner}`, shardKey)
}

/** A condition more, for those who take from some of them only. */
export function ofShards(shards: readonly number[] | undefined): {
  readonly sql: string
  readonly values: readonly number[]
} {
  if (shards === undefined) return { sql: '', values: [] }
  return { sql: `AND shard IN (${shards.map(() => '?').join(', ')})`, values: shards }
}

/**
 * A subquery for the ids and due times of the first in each of the shards, of those due by `dueBy`. Each is asked for
 * apart, so that a long queue in one costs the others nothing.
 */
export function firstOfEach(
  shards: readonly number[],
  { dueBy = Number.MAX_SAFE_INTEGER, limit }: { readonly dueBy?: number; readonly limit: number },
): { readonly sql: string; readonly values: readonly number[] } {
  const first = `SELECT * FROM (SELECT id, due_at FROM queue_recipient
    WHERE state = 'ready' AND deaths = 0 AND shard = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?) AS first_of_shard`
  return {
    sql: shards.map(() => first).join(' UNION ALL '),
    values: shards.flatMap(shard => [shard, dueBy, limit]),
  }
}
