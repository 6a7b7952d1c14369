// Files a message into a mailbox, inside somebody's transaction.

import type { Tx } from '../storage/operation.ts'
import { StorageFault } from '../storage/storage-fault.ts'

export interface Filing {
  readonly accountId: number
  /** 'INBOX' */
  readonly mailbox: string
  /** Header lines that this delivery puts before the mail data: Return-Path, Delivered-To. */
  readonly traceFields: string
  /** Also the id of its mail data. */
  readonly queueId: number
  readonly receivedAt: number
}

export async function fileMessage(tx: Tx, filing: Filing): Promise<void> {
  const { id, uid } = await takeUid(tx, filing)
  const { changes } = await tx.run(
    `INSERT INTO mailbox_message (mailbox_id, uid, mail_data_id, queue_id, trace_fields, received_at, size)
       SELECT ?, ?, id, ?, ?, ?, size + ? FROM mail_data WHERE id = ?`,
    id,
    uid,
    filing.queueId,
    filing.traceFields,
    filing.receivedAt,
    Buffer.byteLength(filing.traceFields),
    filing.queueId,
  )
  if (changes !== 1) throw new StorageFault('STORAGE_DAMAGED', `There is no mail data ${filing.queueId}.`)
}

/** RFC 9051 §2.3.1.1: unique identifiers ascend. A mailbox is made when the first message comes. */
export async function takeUid(
  tx: Tx,
  { accountId, mailbox, receivedAt }: Pick<Filing, 'accountId' | 'mailbox' | 'receivedAt'>,
): Promise<{ id: number; uid: number }> {
  const take = async (): Promise<{ id: number; uid: number } | undefined> =>
    await tx.get<{ id: number; uid: number }>(
      'UPDATE mailbox SET uid_next = uid_next + 1 WHERE account_id = ? AND name = ? RETURNING id, uid_next - 1 AS uid',
      accountId,
      mailbox,
    )
  const taken = await take()
  if (taken) return taken
  const uidValidity = Math.floor(receivedAt / 1000)
  // Another server may be making it at this moment.
  await tx.run(
    'INSERT INTO mailbox (account_id, name, uid_validity, uid_next) VALUES (?, ?, ?, 1) ON CONFLICT (account_id, name) DO NOTHING',
    accountId,
    mailbox,
    uidValidity,
  )
  const first = await take()
  if (!first)
    throw new StorageFault('STORAGE_DAMAGED', `Mailbox ${mailbox} of account ${accountId} could not be made.`)
  return first
}
