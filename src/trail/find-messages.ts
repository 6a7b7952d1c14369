// Which messages, and which that never became one, an administrator means: newest first.
import type { QueueId } from '../queue/queue-id.ts'
import type { Storage } from '../storage/operation.ts'
import type { TrailRecord } from './events.ts'
import { findEvents, hasAny } from './find-events.ts'
import type { TrailKey } from './keys.ts'
import { trailOfMessage } from './operations.ts'

export interface MessageSearch {
  /**
   * Of each of these groups the message has at least one key, in any of its events. The first leads to the candidates: the one
   * that fits the fewest.
   */
  readonly groups: readonly (readonly TrailKey[])[]
  /** An event with a key of the first group lies between. */
  readonly since: number
  readonly until: number
  readonly limit: number
}

export interface FoundMessage {
  /** Undefined: it was refused, cut off or turned away, and has this one event. */
  readonly queueId: QueueId | undefined
  /** Its whole trail, oldest first. */
  readonly records: readonly TrailRecord[]
}

export interface FoundMessages {
  /** Those of which something was written last, in the order in which they began: the newest first. */
  readonly found: readonly FoundMessage[]
  readonly hasMore: boolean
}

const eventsPerPage = 200

export async function findMessages(
  storage: Pick<Storage, 'run'>,
  { groups, since, until, limit }: MessageSearch,
): Promise<FoundMessages> {
  const [first = [], ...others] = groups
  const found: FoundMessage[] = []
  const seen = new Set<QueueId>()
  for (let beforeId: number | undefined; ; ) {
    const page: Awaited<ReturnType<typeof findEvents.run>> = await storage.run(findEvents, {
      anyOf: first,
      since,
      until,
      beforeId,
      limit: eventsPerPage,
    })
    for (const { id: _id, ...record } of page.records) {
      const { queueId } = record
      if (queueId !== undefined && seen.has(queueId)) continue
      const records = queueId === undefined ? [record] : await storage.run(trailOfMessage, { queueId })
      if (queueId !== undefined) seen.add(queueId)
      if (!others.every(group => records.some(({ event }) => hasAny(event, group)))) continue
      if (found.length === limit) return { found: inOrder(found), hasMore: true }
      found.push({ queueId, records })
    }
    if (page.goOnBefore === undefined) return { found: inOrder(found), hasMore: false }
    beforeId = page.goOnBefore
  }
}

function inOrder(found: readonly FoundMessage[]): readonly FoundMessage[] {
  return found.toSorted((a, b) => (b.records[0]?.at ?? 0) - (a.records[0]?.at ?? 0))
}
