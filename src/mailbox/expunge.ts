// Takes messages out of a mailbox. They are kept aside for a while, for whoever wants one back; and the mailbox remembers
// that they have left, for sessions that have not seen it (RFC 7162 §3.2.5).
import { defineWrite, type Tx } from '../storage/operation.ts'
import { readBlocks, uidsInState, writeStates } from './blocks.ts'
import {
  advanceMailbox,
  type Counted,
  countMessages,
  lockOpenMailbox,
  type Mailbox,
  type OpenMailbox,
} from './mailbox-row.ts'
import { flags, live } from './message-state.ts'
import { formatRanges, intersectRanges, rangesOf, type UidRange, uidsOf, uniteRanges } from './uid-ranges.ts'

export interface Expunging extends OpenMailbox {
  /** Of these alone (UID EXPUNGE, RFC 4315 §2.1); undefined: of all that have \Deleted. */
  readonly ranges?: readonly UidRange[] | undefined
  /** No more than so many at a time: others wait for the end of this transaction. */
  readonly limit: number
  readonly now: number
}

/** The UIDs that have left, ascending; `more`: others are still to go. undefined: the mailbox is gone. */
export const expungeMessages = defineWrite(
  'mailbox.expunge',
  async (
    tx,
    { ranges, limit, now, ...open }: Expunging,
  ): Promise<{ readonly uids: readonly number[]; readonly more: boolean } | undefined> => {
    const mailbox = await lockOpenMailbox(tx, open)
    if (!mailbox) return undefined
    if (mailbox.deleted === 0) return { uids: [], more: false }
    const deleted = await findDeleted(tx, mailbox.id)
    const wanted = ranges ? [...uidsOf(intersectRanges(rangesOf(deleted), uniteRanges(ranges)))] : deleted
    const uids = wanted.slice(0, limit)
    await removeMessages(tx, mailbox, rangesOf(uids), now)
    return { uids, more: wanted.length > uids.length }
  },
)

/** The first of them, `limit` at most, where there are more: others wait for the end of this transaction. False: there are not. */
export const removeFirstMessages = defineWrite(
  'mailbox.remove-first-messages',
  async (
    tx,
    { limit, now, ...open }: OpenMailbox & { readonly limit: number; readonly now: number },
  ): Promise<boolean> => {
    const mailbox = await lockOpenMailbox(tx, open)
    if (!mailbox || mailbox.messages <= limit) return false
    const row = await tx.get<{ uid: number }>(
      'SELECT uid FROM mailbox_message WHERE mailbox_id = ? ORDER BY uid LIMIT 1 OFFSET ?',
      mailbox.id,
      limit - 1,
    )
    if (!row) return false
    await removeMessages(tx, mailbox, [{ first: 1, last: row.uid }], now)
    return true
  },
)

async function findDeleted(tx: Tx, mailboxId: number): Promise<number[]> {
  const deleted = live | flags.deleted
  return [...uidsInState(await readBlocks(tx, mailboxId), deleted, deleted)]
}

/** Whoever calls has locked the account. `ranges` hold UIDs of messages that are there, and no other UID. */
export async function removeMessages(
  tx: Tx,
  mailbox: Mailbox,
  ranges: readonly UidRange[],
  now: number,
): Promise<void> {
  if (ranges.length === 0) return
  for (const { first, last } of ranges)
    await tx.run(
      `INSERT INTO expunged_message (account_id, mailbox_id, mailbox, uid, mail_data_id, queue_id, trace_fields,
                                     received_at, saved_at, size, flags, keywords, expunged_at)
         SELECT ?, mailbox_id, ?, uid, mail_data_id, queue_id, trace_fields, received_at, saved_at, size, flags, keywords, ?
           FROM mailbox_message WHERE mailbox_id = ? AND uid BETWEEN ? AND ?`,
      mailbox.accountId,
      mailbox.name,
      now,
      mailbox.id,
      first,
      last,
    )
  await dropRows(tx, mailbox, ranges)
}

export interface Removed extends Counted {
  readonly uid: number
}

/** Out of the mailbox, wherever they are kept then. */
export async function dropRows(tx: Tx, mailbox: Mailbox, ranges: readonly UidRange[]): Promise<void> {
  const removed: (readonly Removed[])[] = []
  for (const { first, last } of ranges)
    removed.push(
      await tx.all<Removed>(
        'DELETE FROM mailbox_message WHERE mailbox_id = ? AND uid BETWEEN ? AND ? RETURNING uid, flags, size',
        mailbox.id,
        first,
        last,
      ),
    )
  await noteVanished(tx, mailbox, removed.flat())
}

/** The rest of what their leaving changes: counters, states, the memory of what has left. */
export async function noteVanished(tx: Tx, mailbox: Mailbox, removed: readonly Removed[]): Promise<void> {
  const uids = removed.map(({ uid }) => uid).sort((a, b) => a - b)
  const { modSeq } = await advanceMailbox(tx, mailbox.id, countMessages(removed, -1))
  await writeStates(
    tx,
    mailbox.id,
    uids.map(uid => [uid, 0]),
  )
  await tx.run(
    'INSERT INTO mailbox_vanished (mailbox_id, mod_seq, uids) VALUES (?, ?, ?)',
    mailbox.id,
    modSeq,
    formatRanges(rangesOf(uids)),
  )
  if (modSeq % forgetEvery === 0) await forgetVanished(tx, mailbox.id)
}

/** So many removals of a mailbox are remembered: who was away for longer is told what is there instead. */
const rememberedRemovals = 2000
const forgetEvery = 200

async function forgetVanished(tx: Tx, mailboxId: number): Promise<void> {
  const oldest = await tx.get<{ mod_seq: number }>(
    'SELECT mod_seq FROM mailbox_vanished WHERE mailbox_id = ? ORDER BY mod_seq DESC LIMIT 1 OFFSET ?',
    mailboxId,
    rememberedRemovals,
  )
  if (!oldest) return
  await tx.run(
    'DELETE FROM mailbox_vanished WHERE mailbox_id = ? AND mod_seq <= ?',
    mailboxId,
    oldest.mod_seq,
  )
  await tx.run('UPDATE mailbox SET vanished_from = ? WHERE id = ?', oldest.mod_seq, mailboxId)
}
