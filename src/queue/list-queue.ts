// The queue as an administrator sees it.
import { defineRead } from '../storage/operation.ts'
import type { QueueId } from './queue-id.ts'
import type { QueuedMessage, QueuedRecipient, RecipientState } from './records.ts'
import {
  type MessageRow,
  messageColumns,
  type RecipientRow,
  readMessage,
  readRecipient,
  recipientColumns,
} from './rows.ts'
import { type QueueSelection, selectRecipients } from './select-recipients.ts'

/** A recipient as an administrator sees it. */
export interface ShownRecipient extends QueuedRecipient {
  /** A delivery thread works on it now. */
  readonly underway: boolean
  /** Why the last attempt did not deliver it. */
  readonly lastDiagnosis?: string | undefined
}

export interface ShownMessage {
  readonly message: QueuedMessage
  readonly mailDataId: number
  readonly recipients: readonly ShownRecipient[]
}

export interface QueuePage {
  readonly selection: QueueSelection
  /** Only messages with a greater queue id; 0 for the first page. */
  readonly afterId: QueueId
  readonly limit: number
}

function readShown(row: RecipientRow): ShownRecipient {
  return {
    ...readRecipient(row),
    underway: row.lease_owner !== null,
    lastDiagnosis: row.last_diagnosis ?? undefined,
  }
}

/** Oldest first; of each message the recipients that the selection means. */
export const listQueue = defineRead('queue.list', async (tx, page: QueuePage): Promise<ShownMessage[]> => {
  const { where, values } = selectRecipients(page.selection)
  const messages = await tx.all<MessageRow>(
    `SELECT ${messageColumns} FROM queue_message WHERE id > ?
       AND EXISTS (SELECT 1 FROM queue_recipient WHERE queue_recipient.message_id = queue_message.id AND ${where})
     ORDER BY id LIMIT ?`,
    page.afterId,
    ...values,
    page.limit,
  )
  const shown: ShownMessage[] = []
  for (const row of messages) {
    const recipients = await tx.all<RecipientRow>(
      `SELECT ${recipientColumns
        .split(', ')
        .map(column => `queue_recipient.${column}`)
        .join(', ')} FROM queue_recipient JOIN queue_message ON queue_message.id = message_id
        WHERE message_id = ? AND ${where} ORDER BY queue_recipient.id`,
      row.id,
      ...values,
    )
    shown.push({
      message: readMessage(row),
      mailDataId: row.mail_data_id,
      recipients: recipients.map(readShown),
    })
  }
  return shown
})

export const showQueuedMessage = defineRead(
  'queue.show',
  async (tx, input: { readonly queueId: QueueId }): Promise<ShownMessage | undefined> => {
    const row = await tx.get<MessageRow>(
      `SELECT ${messageColumns} FROM queue_message WHERE id = ?`,
      input.queueId,
    )
    if (!row) return undefined
    const recipients = await tx.all<RecipientRow>(
      `SELECT ${recipientColumns} FROM queue_recipient WHERE message_id = ? ORDER BY id`,
      input.queueId,
    )
    return { message: readMessage(row), mailDataId: row.mail_data_id, recipients: recipients.map(readShown) }
  },
)

export interface QueueCounts {
  readonly messages: number
  readonly ready: number
  readonly held: number
}

export const countQueue = defineRead('queue.count', async (tx): Promise<QueueCounts> => {
  const messages = await tx.get<{ count: number }>('SELECT count(*) AS count FROM queue_message')
  const states = await tx.all<{ state: RecipientState; count: number }>(
    'SELECT state, count(*) AS count FROM queue_recipient GROUP BY state',
  )
  const count = (state: RecipientState): number => states.find(row => row.state === state)?.count ?? 0
  return { messages: messages?.count ?? 0, ready: count('ready'), held: count('held') }
})
