// Rows of the queue that say nothing sensible: only a disk or a hand inside the database makes them.
import { defineRead } from '../storage/operation.ts'
import {
  type MessageRow,
  messageColumns,
  type RecipientRow,
  readIfIntact,
  readMessage,
  readRecipient,
  recipientColumns,
} from './rows.ts'

export interface QueueDamage {
  readonly table: 'queue_message' | 'queue_recipient'
  readonly id: number
}

const pageRows = 500

/** Reads every row, in pages; `afterId` begins a page, and `lastId` is undefined after the last one. */
export const findQueueDamage = defineRead(
  'queue.find-damage',
  async (
    tx,
    { table, afterId }: { readonly table: QueueDamage['table']; readonly afterId: number },
  ): Promise<{ readonly damage: readonly QueueDamage[]; readonly lastId: number | undefined }> => {
    const columns = table === 'queue_message' ? messageColumns : recipientColumns
    const rows = await tx.all<MessageRow | RecipientRow>(
      `SELECT ${columns} FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`,
      afterId,
      pageRows,
    )
    const damage = rows
      .filter(row => !readIfIntact(() => ('forward_path' in row ? readRecipient(row) : readMessage(row))))
      .map(({ id }) => ({ table, id }))
    return { damage, lastId: rows.at(-1)?.id }
  },
)
