// The queue as an administrator sees it.
import { defineRead } from '../storage/operation.ts'
import { causeOfWaiting } from './gates.ts'
import type { QueueId } from './queue-id.ts'
import type { QueuedMessage, QueuedRecipient, RecipientState } from './records.ts'
import {
  type MessageRow,
  messageColumns,
  type RecipientRow,
  readIfIntact,
  readMessage,
  readRecipient,
  recipientColumns,
} from './rows.ts'
import { isKept, type QueueSelection, selectRecipients } from './select-recipients.ts'

/** A recipient as an administrator sees it. */
export interface ShownRecipient extends QueuedRecipient {
  /** A delivery thread works on it now. */
  readonly underway: boolean
  /** Why the last attempt did not deliver it. */
  readonly lastDiagnosis?: string | undefined
  /** The domain is another server's, and its mail has a lifetime of its own. */
  readonly isRelayed: boolean
  /** No attempt is made: that server fetches it. */
  readonly isKept: boolean
  /** Why it waits, a `ReportCause`, and the mail host that it is about. */
  readonly lastCause?: string | undefined
  readonly lastHost?: string | undefined
  /** It was under way when a delivery thread died, and is tried apart from the others (docs/adr/0005). */
  readonly isSuspect: boolean
}

interface ShownRow extends RecipientRow {
  readonly cause: string | null
  readonly relay_domain: string | null
  readonly kept: number
  readonly deaths: number
}

const shownColumns = `${recipientColumns
  .split(', ')
  .map(column => `queue_recipient.${column}`)
  .join(', ')}, ${causeOfWaiting} AS cause, deaths, relay_domain,
    CASE WHEN ${isKept} THEN 1 ELSE 0 END AS kept`

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

export interface QueueListing {
  readonly messages: readonly ShownMessage[]
  /** Messages with a row that cannot be read (their own, or a recipient's): not shown, or not with all recipients. */
  readonly damaged: readonly QueueId[]
  /** Where the next page begins; undefined after the last one. */
  readonly lastId: QueueId | undefined
}

function readShown(row: ShownRow): ShownRecipient {
  return {
    ...readRecipient(row),
    underway: row.lease_owner !== null,
    lastDiagnosis: row.last_diagnosis ?? undefined,
    isRelayed: row.relay_domain !== null,
    isKept: row.kept === 1,
    lastCause: row.cause ?? undefined,
    lastHost: row.last_host ?? undefined,
    isSuspect: row.deaths > 0,
  }
}

/** Oldest first; of each message the recipients that the selection means. */
export const listQueue = defineRead('queue.list', async (tx, page: QueuePage): Promise<QueueListing> => {
  const { where, values } = selectRecipients(page.selection)
  const rows = await tx.all<MessageRow>(
    `SELECT ${messageColumns} FROM queue_message WHERE id > ?
       AND EXISTS (SELECT 1 FROM queue_recipient WHERE queue_recipient.message_id = queue_message.id AND ${where})
     ORDER BY id LIMIT ?`,
    page.afterId,
    ...values,
    page.limit,
  )
  const messages: ShownMessage[] = []
  const damaged: QueueId[] = []
  for (const row of rows) {
    const recipientRows = await tx.all<ShownRow>(
      `SELECT ${shownColumns} FROM queue_recipient JOIN queue_message ON queue_message.id = message_id
        WHERE message_id = ? AND ${where} ORDER BY queue_recipient.id`,
      row.id,
      ...values,
    )
    const message = readIfIntact(() => readMessage(row))
    const recipients = recipientRows.flatMap(recipient => readIfIntact(() => readShown(recipient)) ?? [])
    if (!message || recipients.length < recipientRows.length) damaged.push(row.id)
    if (message && recipients.length > 0) messages.push({ message, mailDataId: row.mail_data_id, recipients })
  }
  return { messages, damaged, lastId: rows.length < page.limit ? undefined : rows.at(-1)?.id }
})

/** The oldest messages with a recipient that the selection means. */
export const findQueuedMessages = defineRead(
  'queue.find-messages',
  async (tx, { selection, limit }: Pick<QueuePage, 'selection' | 'limit'>): Promise<readonly QueueId[]> => {
    const { where, values } = selectRecipients(selection)
    const rows = await tx.all<{ id: QueueId }>(
      `SELECT id FROM queue_message
        WHERE EXISTS (SELECT 1 FROM queue_recipient WHERE queue_recipient.message_id = queue_message.id AND ${where})
        ORDER BY id LIMIT ?`,
      ...values,
      limit,
    )
    return rows.map(({ id }) => id)
  },
)

export const showQueuedMessage = defineRead(
  'queue.show',
  async (tx, input: { readonly queueId: QueueId }): Promise<ShownMessage | undefined> => {
    const row = await tx.get<MessageRow>(
      `SELECT ${messageColumns} FROM queue_message WHERE id = ?`,
      input.queueId,
    )
    if (!row) return undefined
    const recipients = await tx.all<ShownRow>(
      `SELECT ${shownColumns} FROM queue_recipient WHERE message_id = ? ORDER BY id`,
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
