// What an administrator does with queued mail: hold, release, retry now, reroute, cancel. Each write takes a page of recipients, so
// that intake and delivery never wait for the whole queue; whoever calls finds them page by page (find-recipients.ts).
import { defineWrite, type Operation, type SqlValue, type Tx } from '../storage/operation.ts'
import { appendEvent } from '../trail/append-event.ts'
import type { QueueId } from './queue-id.ts'
import { isKept } from './select-recipients.ts'
import { lockMessages, removeFinishedMessages } from './settle.ts'

export interface Administration {
  /** A page of them. Those that are gone, or in no state for this, are passed over. */
  readonly recipientIds: readonly number[]
  readonly at: number
  /** They were named one by one: retry means what waits for its release at the sender's wish (RFC 4865) too. */
  readonly evenScheduled?: boolean
  /** Of reroute: 'mx2.example.org:25'; undefined: the usual way again. */
  readonly to?: string | undefined
}

export interface Administered {
  /** How many it was done to. */
  readonly recipients: number
  /** Of these, how many were being delivered at the time. */
  readonly underWay: number
  /** Mail data files to discard. */
  readonly orphanedFiles: readonly string[]
}

/** Not delivered until released. A delivery that is under way goes on; if it is deferred, the hold counts. */
export const holdRecipients = defineAdministration(
  'hold',
  "UPDATE queue_recipient SET state = 'held' WHERE id = ? AND state = 'ready'",
)

/** Held mail is due at once, or when its sender wants it released. What was held while its delivery was under way, and still is, keeps its lease. */
export const releaseRecipients = defineAdministration(
  'release',
  `UPDATE queue_recipient SET state = 'ready', asked_for = 1, due_at = CASE WHEN lease_owner IS NULL
     THEN COALESCE((SELECT release_at FROM queue_message WHERE queue_message.id = message_id AND release_at > ?), ?)
     ELSE due_at END WHERE id = ? AND state = 'held'`,
  (id, { at }) => [at, at, id],
)

/**
 * Waiting mail is due at once, but for what its sender wants held, unless that is named, and for what is kept until it is
 * fetched. What a delivery thread has under a lease is being tried already.
 */
export const retryRecipients = defineAdministration(
  'retry',
  `UPDATE queue_recipient SET due_at = ?, asked_for = 1 WHERE id = ? AND state = 'ready' AND lease_owner IS NULL
     AND NOT (${isKept})
     AND (? = 1 OR attempts > 0
       OR NOT EXISTS (SELECT 1 FROM queue_message WHERE queue_message.id = message_id AND release_at > ?))`,
  (id, { at, evenScheduled }) => [at, id, evenScheduled ? 1 : 0, at],
)

/** Goes to another host, from the next attempt on, which is now for what waits. Held mail stays held. */
export const rerouteRecipients = defineAdministration(
  'reroute',
  "UPDATE queue_recipient SET route_to = ?, asked_for = 1, due_at = CASE WHEN state = 'ready' AND lease_owner IS NULL THEN ? ELSE due_at END WHERE id = ?",
  (id, { at, to }) => [to ?? null, at, id],
)

/** Taken out of the queue without a report to the sender. What is being delivered may arrive all the same. */
export const cancelRecipients = defineAdministration('cancel', 'DELETE FROM queue_recipient WHERE id = ?')

function defineAdministration(
  action: string,
  statement: string,
  bind: (recipientId: number, administration: Administration) => SqlValue[] = id => [id],
): Operation<Administration, Administered> {
  return defineWrite(
    `queue.${action}`,
    async (tx: Tx, administration: Administration): Promise<Administered> => {
      const { recipientIds, at, to } = administration
      let recipients = 0
      let underWay = 0
      const touched = new Set<QueueId>()
      // Before the recipients, as whoever settles them does.
      await lockMessages(tx, await messagesOf(tx, recipientIds))
      for (const id of recipientIds) {
        const row = await tx.get<{ message_id: QueueId; forward_path: string; lease_owner: string | null }>(
          `${statement} RETURNING message_id, forward_path, lease_owner`,
          ...bind(id, administration),
        )
        if (!row) continue
        recipients++
        if (row.lease_owner !== null) underWay++
        touched.add(row.message_id)
        await appendEvent(tx, at, row.message_id, {
          kind: 'administered',
          action,
          recipient: row.forward_path,
          ...(to === undefined ? {} : { to }),
        })
      }
      return { recipients, underWay, orphanedFiles: await removeFinishedMessages(tx, touched) }
    },
    { wakes: 'queue' },
  )
}

async function messagesOf(tx: Tx, recipientIds: readonly number[]): Promise<Set<QueueId>> {
  const messages = new Set<QueueId>()
  for (const id of recipientIds) {
    const row = await tx.get<{ message_id: QueueId }>(
      'SELECT message_id FROM queue_recipient WHERE id = ?',
      id,
    )
    if (row) messages.add(row.message_id)
  }
  return messages
}
