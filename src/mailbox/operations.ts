// Mailboxes as the command line sees them.
import { removeUnreferencedMailData } from '../storage/mail-data-rows.ts'
import { defineRead, defineWrite } from '../storage/operation.ts'
import { moveMailboxMessage } from './move-message.ts'

export interface MailboxSummary {
  readonly name: string
  readonly messages: number
  readonly bytes: number
}

export interface MailboxMessage {
  readonly uid: number
  readonly queueId: number
  readonly mailDataId: number
  readonly receivedAt: number
  /** Of the delivered text: trace fields and mail data. */
  readonly size: number
  /** To be put before the mail data. */
  readonly traceFields: string
}

interface MessageRow {
  readonly uid: number
  readonly queue_id: number
  readonly mail_data_id: number
  readonly received_at: number
  readonly size: number
  readonly trace_fields: string
}

const messageColumns = 'uid, queue_id, mail_data_id, received_at, mailbox_message.size, trace_fields'

function readRow(row: MessageRow): MailboxMessage {
  return {
    uid: row.uid,
    queueId: row.queue_id,
    mailDataId: row.mail_data_id,
    receivedAt: row.received_at,
    size: row.size,
    traceFields: row.trace_fields,
  }
}

export const listMailboxes = defineRead(
  'mailbox.list',
  async (tx, input: { readonly accountId: number }): Promise<MailboxSummary[]> =>
    await tx.all<MailboxSummary>(
      `SELECT mailbox.name, count(mailbox_message.id) AS messages, COALESCE(sum(mailbox_message.size), 0) AS bytes
         FROM mailbox LEFT JOIN mailbox_message ON mailbox_message.mailbox_id = mailbox.id
        WHERE account_id = ? GROUP BY mailbox.id, mailbox.name ORDER BY mailbox.name`,
      input.accountId,
    ),
)

export interface MailboxPage {
  readonly accountId: number
  readonly mailbox: string
  /** Only messages with a smaller UID; undefined for the first page. */
  readonly beforeUid?: number | undefined
  readonly limit: number
}

/** Newest first. */
export const listMailboxMessages = defineRead(
  'mailbox.list-messages',
  async (tx, input: MailboxPage): Promise<MailboxMessage[]> => {
    const rows = await tx.all<MessageRow>(
      `SELECT ${messageColumns} FROM mailbox_message JOIN mailbox ON mailbox.id = mailbox_id
        WHERE account_id = ? AND name = ? AND uid < ? ORDER BY uid DESC LIMIT ?`,
      input.accountId,
      input.mailbox,
      input.beforeUid ?? Number.MAX_SAFE_INTEGER,
      input.limit,
    )
    return rows.map(readRow)
  },
)

/** How many have a smaller UID. */
export const countMailboxMessages = defineRead(
  'mailbox.count-messages',
  async (tx, input: Omit<MailboxPage, 'limit'>): Promise<number> => {
    const row = await tx.get<{ count: number }>(
      `SELECT count(*) AS count FROM mailbox_message JOIN mailbox ON mailbox.id = mailbox_id
        WHERE account_id = ? AND name = ? AND uid < ?`,
      input.accountId,
      input.mailbox,
      input.beforeUid ?? Number.MAX_SAFE_INTEGER,
    )
    return row?.count ?? 0
  },
)

export interface MailboxMessageName {
  readonly accountId: number
  readonly mailbox: string
  readonly uid: number
}

export const findMailboxMessage = defineRead(
  'mailbox.find-message',
  async (tx, input: MailboxMessageName): Promise<MailboxMessage | undefined> => {
    const row = await tx.get<MessageRow>(
      `SELECT ${messageColumns} FROM mailbox_message JOIN mailbox ON mailbox.id = mailbox_id
        WHERE account_id = ? AND name = ? AND uid = ?`,
      input.accountId,
      input.mailbox,
      input.uid,
    )
    return row && readRow(row)
  },
)

/** The orphaned file to discard after the commit, when there is one. */
export const deleteMailboxMessage = defineWrite(
  'mailbox.delete-message',
  async (
    tx,
    input: MailboxMessageName,
  ): Promise<{ readonly deleted: boolean; readonly orphanedFiles: readonly string[] }> => {
    const row = await tx.get<{ mail_data_id: number }>(
      `DELETE FROM mailbox_message WHERE uid = ? AND mailbox_id = (SELECT id FROM mailbox WHERE account_id = ? AND name = ?)
        RETURNING mail_data_id`,
      input.uid,
      input.accountId,
      input.mailbox,
    )
    if (!row) return { deleted: false, orphanedFiles: [] }
    const file = await removeUnreferencedMailData(tx, row.mail_data_id)
    return { deleted: true, orphanedFiles: file === undefined ? [] : [file] }
  },
)

export const mailboxOperations = [
  listMailboxes,
  listMailboxMessages,
  countMailboxMessages,
  findMailboxMessage,
  deleteMailboxMessage,
  moveMailboxMessage,
] as const
