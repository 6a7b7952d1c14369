// Whose mailboxes fill up, and has not been told.
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { readAddress } from '../directory/rows.ts'
import { fileMessage } from '../mailbox/file-message.ts'
import { lockAccounts } from '../mailbox/mailbox-row.ts'
import {
  type Extent,
  type FillLevel,
  type Quota,
  type QuotaRow,
  quotaColumns,
  quotaTables,
  readQuota,
} from '../mailbox/quota.ts'
import { formatQueueId } from '../queue/queue-id.ts'
import type { Language } from '../queue/records.ts'
import type { StoredMailData } from '../storage/mail-data.ts'
import { hasMailData, insertMailData } from '../storage/mail-data-rows.ts'
import { defineRead, defineWrite } from '../storage/operation.ts'
import { appendEvent } from '../trail/append-event.ts'

export interface UntoldOwner {
  readonly accountId: number
  readonly address: Address
  readonly language: Language
  readonly quota: Quota
}

/** In the order of their ids, `limit` at most. */
export const findUntoldOwners = defineRead(
  'fill-warning.find-untold',
  async (
    tx,
    { usual, limit }: { readonly usual: Extent; readonly limit: number },
  ): Promise<readonly UntoldOwner[]> => {
    const rows = await tx.all<QuotaRow & { id: number; address: string; language: Language }>(
      `SELECT account.id, address, language, ${quotaColumns} FROM ${quotaTables}
        WHERE fill_level > fill_told ORDER BY account.id LIMIT ?`,
      limit,
    )
    return rows.map(row => ({
      accountId: row.id,
      address: readAddress(row.address),
      language: row.language,
      quota: readQuota(row, usual),
    }))
  },
)

export interface Warning {
  readonly accountId: number
  readonly address: Address
  readonly level: FillLevel
  /** The queue id of the message, though it never is in the queue: by it the trail knows it. */
  readonly id: number
  readonly mailData: StoredMailData
  readonly subject: string
  readonly hostname: string
  readonly at: number
}

/** Into INBOX, full or not, with the note that it was told. 'outdated': another was first, or the queue id is taken. */
export const tellOwner = defineWrite(
  'fill-warning.tell',
  async (tx, warning: Warning): Promise<'told' | 'outdated'> => {
    const { accountId, address, level, id, mailData, subject, hostname, at } = warning
    await lockAccounts(tx, accountId)
    const row = await tx.get<{ fill_level: number; fill_told: number }>(
      'SELECT fill_level, fill_told FROM account WHERE id = ?',
      accountId,
    )
    if (row?.fill_level !== level || row.fill_told >= level || (await hasMailData(tx, id))) return 'outdated'
    await tx.run('UPDATE account SET fill_told = ? WHERE id = ?', level, accountId)
    await insertMailData(tx, id, mailData)
    await fileMessage(tx, { accountId, mailbox: 'INBOX', traceFields: '', queueId: id, receivedAt: at })
    const recipient = formatAddress(address)
    const messageId = `${formatQueueId(id)}@${hostname}`
    await appendEvent(tx, at, id, { kind: 'written', recipients: [recipient], messageId, subject })
    const outcome = { kind: 'delivered', mailbox: 'INBOX' } as const
    await appendEvent(tx, at, id, { kind: 'attempted', recipient, attempt: 1, outcome })
    return 'told'
  },
)

export const fillWarningOperations = [findUntoldOwners, tellOwner] as const
