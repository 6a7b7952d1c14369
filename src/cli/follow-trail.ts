// The trail as it grows: asks the storage again and again, so that it works beside a running server on either engine.
import type { QueueId } from '../queue/queue-id.ts'
import type { Clock } from '../runtime/clock.ts'
import { keepAlive } from '../runtime/keep-alive.ts'
import type { TrailRecord } from '../trail/events.ts'
import { hasAny } from '../trail/find-events.ts'
import { findMessages } from '../trail/find-messages.ts'
import type { TrailKey } from '../trail/keys.ts'
import { eventsOfMessage, newestEvent, trailAfter } from '../trail/operations.ts'
import type { FoundRecord } from '../trail/rows.ts'
import type { CommandStorage } from './open-storage.ts'

export interface Follows {
  readonly groups: readonly (readonly TrailKey[])[]
  readonly queueId: QueueId | undefined
}

export interface FollowOptions {
  readonly storage: Pick<CommandStorage, 'run'>
  readonly clock: Clock
  readonly onInterrupt: (listener: () => void) => () => void
  readonly follows: Follows
  /** `isNew`: it has happened since the beginning. */
  readonly show: (record: TrailRecord, isNew: boolean) => void
}

const everyMs = 500
const eventsPerPage = 1000
/** Where several servers write, one may commit an event after another with a greater id. */
const overlap = 200
/** Of messages that fit, and whose later events are shown whatever they have. */
const maxMessages = 100

export function whatFollows(groups: readonly (readonly TrailKey[])[], queueId: QueueId | undefined): Follows {
  return { groups, queueId }
}

/** Resolves at the first interrupt. */
export async function followTrail(options: FollowOptions): Promise<void> {
  const { storage, clock, onInterrupt, follows, show } = options
  let interrupted = false
  let wake = (): void => {}
  const forget = onInterrupt(() => {
    interrupted = true
    wake()
  })
  const letGo = keepAlive()
  try {
    let lastId = await storage.run(newestEvent, undefined)
    const shown = new Set<number>()
    const readOn = async (): Promise<FoundRecord[]> =>
      await storage.run(trailAfter, { afterId: Math.max(0, lastId - overlap), limit: eventsPerPage })
    for (const { id } of await readOn()) if (id <= lastId) shown.add(id)
    const messages = await showPast(options, shown)
    for (;;) {
      const page = await readOn()
      for (const { id, ...record } of page) {
        if (shown.has(id)) continue
        shown.add(id)
        if (fits(record, follows, messages)) show(record, true)
      }
      lastId = Math.max(lastId, page.at(-1)?.id ?? 0)
      for (const id of shown) if (id < lastId - overlap) shown.delete(id)
      if (page.length === eventsPerPage) continue
      if (!interrupted)
        await new Promise<void>(resolve => {
          wake = resolve
          clock.after(everyMs, resolve)
        })
      if (interrupted) return
    }
  } finally {
    letGo()
    forget()
  }
}

/** The trail of the one message that is meant; of others only which they are. */
async function showPast(
  { storage, follows, show }: FollowOptions,
  shown: Set<number>,
): Promise<Set<QueueId>> {
  const { queueId, groups } = follows
  if (queueId !== undefined) {
    for (const { id, ...record } of await storage.run(eventsOfMessage, { queueId })) {
      shown.add(id)
      show(record, false)
    }
    return new Set([queueId])
  }
  if (groups.length === 0) return new Set()
  const { found } = await findMessages(storage, {
    groups,
    since: 0,
    until: Number.MAX_SAFE_INTEGER,
    limit: maxMessages,
  })
  return new Set(found.flatMap(message => message.queueId ?? []))
}

function fits(
  { queueId, event }: TrailRecord,
  { queueId: only, groups }: Follows,
  messages: Set<QueueId>,
): boolean {
  if (only !== undefined) return queueId === only
  if (queueId !== undefined && messages.has(queueId)) return true
  if (!groups.every(group => hasAny(event, group))) return false
  if (queueId !== undefined) messages.add(queueId)
  return true
}
