// What an administrator does with queued mail: hold, release, retry now, cancel.
import { defineWrite, type Operation, type SqlValue, type Tx } from '../storage/operation.ts'
import { appendEvent } from '../trail/append-event.ts'

import type { QueueId } from './queue-id.ts'
import { type QueueSelection, selectRecipients } from './select-recipients.ts'
import { removeFinishedMessages } from './settle.ts'

export interface Administration {
  readonly selection: QueueSelection
  readonly at: number
}

export interface Administered {
  readonly recipients: number
  /** Mail data files to discard. */
  readonly orphanedFiles: readonly string[]
}

/** Not delivered until released. A delivery that is under way goes on; if it is deferred, the hold counts. */
export const holdRecipients = defineAdministration(
  'hold',
  "UPDATE queue_recipient SET state = 'held' WHERE id = ? AND state = 'ready'",
)

/** Held mail is due at once. What was held while its delivery was under way, and still is, keeps its lease. */
export const releaseRecipients = defineAdministration(
  'release',
  "UPDATE queue_recipient SET state = 'ready', due_at = CASE WHEN lease_owner IS NULL THEN ? ELSE due_at END WHERE id = ? AND state = 'held'",
  'due-now',
)

/** Waiting mail is due at once. What a delivery thread has under a lease is being tried already. */
export const retryRecipients = defineAdministration(
  'retry',
  "UPDATE queue_recipient SET due_at = ? WHERE id = ? AND state = 'ready' AND lease_owner IS NULL",
  'due-now',
)

/** Taken out of the queue without a report to the sender. */
export const cancelRecipients = defineAdministration('cancel', 'DELETE FROM queue_recipient WHERE id = ?')

function defineAdministration(
  action: string,
  statement: string,
  values?: 'due-now',
): Operation<Administration, Administered> {
  return defineWrite(
    `queue.${action}`,
    async (tx: Tx, { selection, at }: Administration): Promise<Administered> => {
      const { where, values: selected } = selectRecipients(selection)
      const rows = await tx.all<{ id: number; message_id: QueueId; forward_path: string }>(
        `SELECT queue_recipient.id, message_id, forward_path FROM queue_recipient JOIN queue_message ON queue_message.id = message_id WHERE ${where}`,
        ...selected,
      )
      let recipients = 0
      const touched = new Set<QueueId>()
      for (const row of rows) {
        const bound: SqlValue[] = values === 'due-now' ? [at, row.id] : [row.id]
        const { changes } = await tx.run(statement, ...bound)
        if (changes === 0) continue
        recipients++
        touched.add(row.message_id)
        await appendEvent(tx, at, row.message_id, {
          kind: 'administered',
          action,
          recipient: row.forward_path,
        })
      }
      return { recipients, orphanedFiles: await removeFinishedMessages(tx, touched) }
    },
    { wakes: 'queue' },
  )
}
