// Which recipients a selection means: page by page, and counted.
import { defineRead } from '../storage/operation.ts'
import { type QueueSelection, selectRecipients } from './select-recipients.ts'

export interface RecipientPage {
  readonly selection: QueueSelection
  /** Only recipients with a greater id; 0 for the first page. */
  readonly afterId: number
  readonly limit: number
}

/**
 * Their ids, in order. What comes into the queue, or takes the place of a recipient that is expanded, gets a greater id:
 * whoever goes on until a page is not full has met them all.
 */
export const findRecipients = defineRead(
  'queue.find-recipients',
  async (tx, { selection, afterId, limit }: RecipientPage): Promise<number[]> => {
    const { where, values } = selectRecipients(selection)
    const rows = await tx.all<{ id: number }>(
      `SELECT queue_recipient.id AS id FROM queue_recipient JOIN queue_message ON queue_message.id = message_id
        WHERE queue_recipient.id > ? AND ${where} ORDER BY queue_recipient.id LIMIT ?`,
      afterId,
      ...values,
      limit,
    )
    return rows.map(({ id }) => id)
  },
)

export const countRecipients = defineRead(
  'queue.count-recipients',
  async (tx, { selection }: { readonly selection: QueueSelection }): Promise<number> => {
    const { where, values } = selectRecipients(selection)
    const row = await tx.get<{ count: number }>(
      `SELECT count(*) AS count FROM queue_recipient JOIN queue_message ON queue_message.id = message_id WHERE ${where}`,
      ...values,
    )
    return row?.count ?? 0
  },
)
