// Takes due recipients under a lease. The lease is the due time itself, moved to when the lease ends: then the work is
// due again, for whoever asks first.
import { defineWrite, type Tx } from '../storage/operation.ts'
import type { ClaimedWork } from './records.ts'
import {
  type MessageRow,
  messageColumns,
  type RecipientRow,
  readIfIntact,
  readMessage,
  readRecipient,
  recipientColumns,
} from './rows.ts'
import { firstOfEach, ofShards } from './shards.ts'

export interface Claim {
  readonly now: number
  readonly leaseUntil: number
  /** Names one run of one delivery thread. */
  readonly owner: string
  readonly maxRecipients: number
  /** Those that are the owner's; undefined: all. */
  readonly shards?: readonly number[] | undefined
}

/** Those of a priority above the usual first, then oldest due first; recipients of one message in one domain come together. */
export const claimDueWork = defineWrite(
  'queue.claim-due-work',
  async (tx, claim: Claim): Promise<ClaimedWork[]> => {
    const urgent = await findUrgent(tx, claim)
    if (urgent.length > 0) return await lease(tx, urgent, claim)
    const due = await (claim.shards ? findDueIn(tx, claim.shards, claim) : findDue(tx, claim))
    const last = due.at(-1)
    if (last && due.length === claim.maxRecipients) due.push(...(await findCompanions(tx, last, claim.now)))
    return await lease(tx, due, claim)
  },
)

async function findDue(
  tx: Tx,
  { now, maxRecipients }: Pick<Claim, 'now' | 'maxRecipients'>,
): Promise<RecipientRow[]> {
  return await tx.all<RecipientRow>(
    `SELECT ${recipientColumns} FROM queue_recipient WHERE state = 'ready' AND deaths = 0 AND due_at <= ? ORDER BY due_at, id LIMIT ? ${tx.skipLocked}`,
    now,
    maxRecipients,
  )
}

/** RFC 6710 §4.1: before those that have been due for longer. */
async function findUrgent(tx: Tx, { now, maxRecipients, shards }: Claim): Promise<RecipientRow[]> {
  const own = ofShards(shards)
  return await tx.all<RecipientRow>(
    `SELECT ${recipientColumns} FROM queue_recipient ${tx.byIndex('queue_recipient_priority')}
      WHERE priority > 0 AND state = 'ready' AND deaths = 0 AND due_at <= ? ${own.sql} ORDER BY due_at, id LIMIT ? ${tx.skipLocked}`,
    now,
    ...own.values,
    maxRecipients,
  )
}

async function findDueIn(
  tx: Tx,
  shards: readonly number[],
  { now, maxRecipients }: Claim,
): Promise<RecipientRow[]> {
  const first = firstOfEach(shards, { dueBy: now, limit: maxRecipients })
  return await tx.all<RecipientRow>(
    `SELECT ${recipientColumns} FROM queue_recipient
      WHERE id IN (SELECT id FROM (${first.sql}) AS first_due ORDER BY due_at, id LIMIT ?)
        AND state = 'ready' AND deaths = 0 AND due_at <= ? ORDER BY due_at, id ${tx.skipLocked}`,
    ...first.values,
    maxRecipients,
    now,
  )
}

/** What cannot be read is leased too, and not among the work. */
export async function lease(
  tx: Tx,
  due: readonly RecipientRow[],
  { owner, leaseUntil }: Pick<Claim, 'owner' | 'leaseUntil'>,
): Promise<ClaimedWork[]> {
  const groups = new Map<string, RecipientRow[]>()
  for (const row of due) {
    const key = `${row.message_id} ${row.domain}`
    const group = groups.get(key)
    if (group) group.push(row)
    else groups.set(key, [row])
  }
  await tx.forAll(due, row =>
    tx.run(
      'UPDATE queue_recipient SET due_at = ?, lease_owner = ?, gate = NULL, gate_share = NULL, asked_for = 0 WHERE id = ?',
      leaseUntil,
      owner,
      row.id,
    ),
  )
  const work = await tx.forAll(groups.values(), rows => readWork(tx, rows))
  return work.filter(one => one !== undefined)
}

/** undefined when it is damaged: for `verify` to find. Its lease keeps it from being asked for again and again. */
async function readWork(tx: Tx, rows: readonly RecipientRow[]): Promise<ClaimedWork | undefined> {
  const row = await tx.get<MessageRow>(
    `SELECT ${messageColumns} FROM queue_message WHERE id = ?`,
    rows[0]?.message_id ?? 0,
  )
  const message = row && readIfIntact(() => readMessage(row))
  const recipients = rows.flatMap(recipient => readIfIntact(() => readRecipient(recipient)) ?? [])
  return row && message && recipients.length > 0
    ? { message, mailDataId: row.mail_data_id, recipients }
    : undefined
}

/** Those of the last message that the limit cut off from companions in the same domain, which were taken. */
async function findCompanions(tx: Tx, last: RecipientRow, now: number): Promise<RecipientRow[]> {
  return await tx.all<RecipientRow>(
    `SELECT ${recipientColumns} FROM queue_recipient
      WHERE message_id = ? AND state = 'ready' AND deaths = 0 AND (due_at = ? AND id > ? OR due_at > ? AND due_at <= ?)
        AND domain IN (SELECT domain FROM queue_recipient
          WHERE message_id = ? AND state = 'ready' AND deaths = 0 AND (due_at < ? OR due_at = ? AND id <= ?)) ${tx.skipLocked}`,
    last.message_id,
    last.due_at,
    last.id,
    last.due_at,
    now,
    last.message_id,
    last.due_at,
    last.due_at,
    last.id,
  )
}
