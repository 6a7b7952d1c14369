// Pages of the messages in mailboxes, for work that others are not to wait for: of all mailboxes by their mail data, or of some by their
// UIDs, so that nothing of others is read.
import { setImmediate as turn } from 'node:timers/promises'
import { defineRead, type SqlValue, type Storage, type Tx } from '../storage/operation.ts'
import type { MailDataPages } from '../storage/verify-storage.ts'
import type { MailboxScope } from './named-mailboxes.ts'

export interface PageStart {
  /** undefined: in all mailboxes. */
  readonly mailboxId?: number | undefined
  /** The id of mail data; in a mailbox a UID. */
  readonly after: number
}

/** For a SELECT: `FROM ${table} … WHERE ${where}`. */
export interface MessagePage {
  readonly table: string
  readonly where: string
  readonly values: readonly SqlValue[]
  /** Where the next one begins. */
  readonly end: number
}

const messagesPerPage = 500

/** undefined: there is no more. */
export async function findPage(tx: Tx, { mailboxId, after }: PageStart): Promise<MessagePage | undefined> {
  const { key, table, place, values } =
    mailboxId === undefined
      ? {
          key: 'mail_data_id',
          table: `mailbox_message ${tx.byIndex('mailbox_message_mail_data')}`,
          place: '',
          values: [],
        }
      : { key: 'uid', table: 'mailbox_message', place: 'mailbox_id = ? AND ', values: [mailboxId] }
  const row = await tx.get<{ last: number | null }>(
    `SELECT max(place) AS last FROM
       (SELECT ${key} AS place FROM ${table} WHERE ${place}${key} > ? ORDER BY ${key} LIMIT ?) AS page`,
    ...values,
    after,
    messagesPerPage,
  )
  const end = row?.last ?? undefined
  return end === undefined
    ? undefined
    : { table, where: `${place}${key} > ? AND ${key} <= ?`, values: [...values, after, end], end }
}

/** How many of what was looked for are on a page. */
export interface PageCount {
  readonly count: number
  /** undefined: there is no more. */
  readonly next: number | undefined
}

export const noPage: PageCount = { count: 0, next: undefined }

/** Of the mailboxes of the scope, else of all from `after` on; resolves with the sum of the counts. */
export async function throughPages(
  { scope, after = -1 }: { readonly scope?: MailboxScope | undefined; readonly after?: number | undefined },
  countPage: (start: PageStart) => Promise<PageCount>,
): Promise<number> {
  let sum = 0
  for (const { mailboxId } of scope?.mailboxes ?? [{ mailboxId: undefined }])
    for (let from: number | undefined = after; from !== undefined; ) {
      const { count, next }: PageCount = await countPage({ mailboxId, after: from })
      sum += count
      from = next
      await turn()
    }
  return sum
}

const listMailData = defineRead('mailbox.list-mail-data', async (tx, start: PageStart) => {
  const page = await findPage(tx, start)
  if (!page) return undefined
  const rows = await tx.all<{ id: number; size: number }>(
    `SELECT mail_data.id, mail_data.size FROM ${page.table} JOIN mail_data ON mail_data.id = mail_data_id WHERE ${page.where} ORDER BY uid`,
    ...page.values,
  )
  return { rows, end: page.end }
})

/** Of each message in the mailboxes, but of those that have lost it. */
export async function* mailDataIn(
  storage: Pick<Storage, 'run'>,
  { mailboxes }: Pick<MailboxScope, 'mailboxes'>,
): MailDataPages {
  for (const { mailboxId } of mailboxes)
    for (let after = -1; ; ) {
      const page = await storage.run(listMailData, { mailboxId, after })
      if (!page) break
      yield page.rows
      after = page.end
    }
}
