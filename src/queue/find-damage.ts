// Rows of the queue that say nothing sensible: only a disk or a hand inside the database makes them.
import { defineRead, type Storage } from '../storage/operation.ts'
import { type QuarantineRow, quarantineColumns, readQuarantined } from './quarantine.ts'
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
  readonly table: 'queue_message' | 'queue_recipient' | 'quarantined'
  readonly id: number
}

const pageRows = 500

/** `afterId` begins the page; `lastId` is undefined after the last one. */
export const findQueueDamageInPage = defineRead(
  'queue.find-damage-in-page',
  async (
    tx,
    { table, afterId }: { readonly table: QueueDamage['table']; readonly afterId: number },
  ): Promise<{ readonly damage: readonly QueueDamage[]; readonly lastId: number | undefined }> => {
    const columns = columnsOf[table]
    const rows = await tx.all<MessageRow | RecipientRow | QuarantineRow>(
      `SELECT ${columns} FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`,
      afterId,
      pageRows,
    )
    const damage = rows.filter(row => !readIfIntact(() => readRow(row))).map(({ id }) => ({ table, id }))
    return { damage, lastId: rows.at(-1)?.id }
  },
)

const columnsOf: Readonly<Record<QueueDamage['table'], string>> = {
  queue_message: messageColumns,
  queue_recipient: recipientColumns,
  quarantined: quarantineColumns,
}

function readRow(row: MessageRow | RecipientRow | QuarantineRow): unknown {
  if ('forward_path' in row) return readRecipient(row)
  return 'content' in row ? readQuarantined(row) : readMessage(row)
}

/** Reads every row, a page at a time. */
export async function findQueueDamage(storage: Pick<Storage, 'run'>): Promise<readonly QueueDamage[]> {
  const found: QueueDamage[] = []
  for (const table of ['queue_message', 'queue_recipient', 'quarantined'] as const) {
    for (let afterId: number | undefined = 0; afterId !== undefined; ) {
      const page: Awaited<ReturnType<typeof findQueueDamageInPage.run>> = await storage.run(
        findQueueDamageInPage,
        { table, afterId },
      )
      found.push(...page.damage)
      afterId = page.lastId
    }
  }
  return found
}
