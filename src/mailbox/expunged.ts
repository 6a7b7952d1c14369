// Messages that have left their mailbox: to be had back for a while, and gone then.
import { removeUnreferencedMailData } from '../storage/mail-data-rows.ts'
import { defineRead, defineWrite } from '../storage/operation.ts'
import { insertMessages } from './file-message.ts'
import { boundsBelow, findMailboxNamed, makeMailbox } from './mailbox-names.ts'
import { lockAccounts } from './mailbox-row.ts'
import { flags, parseKeywords } from './message-state.ts'

export interface ExpungedMessage {
  readonly id: number
  /** The name that its mailbox had. */
  readonly mailbox: string
  readonly uid: number
  readonly queueId: number
  readonly mailDataId: number
  readonly receivedAt: number
  readonly expungedAt: number
  readonly size: number
}

interface Row {
  readonly id: number
  readonly mailbox: string
  readonly uid: number
  readonly queue_id: number
  readonly mail_data_id: number
  readonly received_at: number
  readonly expunged_at: number
  readonly size: number
}

/** The last that left first; only those before `before` (an id), for the next page. */
export const listExpunged = defineRead(
  'mailbox.list-expunged',
  async (
    tx,
    input: { readonly accountId: number; readonly before?: number | undefined; readonly limit: number },
  ): Promise<readonly ExpungedMessage[]> => {
    const rows = await tx.all<Row>(
      `SELECT id, mailbox, uid, queue_id, mail_data_id, received_at, expunged_at, size FROM expunged_message
        WHERE account_id = ? AND id < ? ORDER BY id DESC LIMIT ?`,
      input.accountId,
      input.before ?? Number.MAX_SAFE_INTEGER,
      input.limit,
    )
    return rows.map(row => ({
      id: row.id,
      mailbox: row.mailbox,
      uid: row.uid,
      queueId: row.queue_id,
      mailDataId: row.mail_data_id,
      receivedAt: row.received_at,
      expungedAt: row.expunged_at,
      size: row.size,
    }))
  },
)

export interface ExpungedFrom {
  readonly accountId: number
  /** The name that the mailbox had; those below it count too. */
  readonly mailbox: string
  /** When they left, ms since 1970, both included. */
  readonly since: number
  readonly until: number
  readonly limit: number
}

/** Ids of what left a mailbox, what left first before the others. */
export const findExpungedFrom = defineRead(
  'mailbox.find-expunged-from',
  async (tx, { accountId, mailbox, since, until, limit }: ExpungedFrom): Promise<readonly number[]> => {
    const rows = await tx.all<{ id: number }>(
      `SELECT id FROM expunged_message
        WHERE account_id = ? AND expunged_at BETWEEN ? AND ? AND (mailbox = ? OR mailbox > ? AND mailbox < ?)
        ORDER BY expunged_at, id LIMIT ?`,
      accountId,
      since,
      until,
      mailbox,
      ...boundsBelow(mailbox),
      limit,
    )
    return rows.map(({ id }) => id)
  },
)

export interface Restored {
  readonly mailbox: string
  readonly uid: number
}

/** Into the mailbox from which it left, which is made again when it has gone; with a new UID. undefined: it is not there. */
export const restoreExpunged = defineWrite(
  'mailbox.restore-expunged',
  async (
    tx,
    input: { readonly accountId: number; readonly id: number; readonly now: number },
  ): Promise<Restored | undefined> => {
    const { accountId, id, now } = input
    await lockAccounts(tx, accountId)
    const row = await tx.get<Row & { trace_fields: string; flags: number; keywords: string }>(
      `DELETE FROM expunged_message WHERE id = ? AND account_id = ?
        RETURNING id, mailbox, uid, queue_id, mail_data_id, received_at, expunged_at, size, trace_fields, flags, keywords`,
      id,
      accountId,
    )
    if (!row) return undefined
    const { mailbox: name } = row
    const mailbox =
      (await findMailboxNamed(tx, accountId, name)) ?? (await makeMailbox(tx, { accountId, name, now }))
    const { firstUid } = await insertMessages(tx, mailbox, now, [
      {
        mailDataId: row.mail_data_id,
        queueId: row.queue_id,
        traceFields: row.trace_fields,
        receivedAt: row.received_at,
        flags: row.flags & ~flags.deleted,
        keywords: parseKeywords(row.keywords),
      },
    ])
    return { mailbox: name, uid: firstUid }
  },
)

export interface ExpungedForgotten {
  readonly count: number
  /** Mail data files that nothing refers to any longer: to be discarded after the commit. */
  readonly orphanedFiles: readonly string[]
}

/** Of those that left before `before`, `limit` at most. */
export const forgetExpunged = defineWrite(
  'mailbox.forget-expunged',
  async (
    tx,
    { before, limit }: { readonly before: number; readonly limit: number },
  ): Promise<ExpungedForgotten> => {
    const rows = await tx.all<{ mail_data_id: number }>(
      `DELETE FROM expunged_message WHERE id IN
         (SELECT id FROM expunged_message WHERE expunged_at < ? ORDER BY expunged_at LIMIT ? ${tx.skipLocked})
       RETURNING mail_data_id`,
      before,
      limit,
    )
    const orphanedFiles: string[] = []
    // In the order of their ids: see `lockRow`.
    for (const id of [...new Set(rows.map(row => row.mail_data_id))].sort((a, b) => a - b)) {
      const file = await removeUnreferencedMailData(tx, id)
      if (file !== undefined) orphanedFiles.push(file)
    }
    return { count: rows.length, orphanedFiles }
  },
)
