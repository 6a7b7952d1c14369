// What a session reads of a mailbox: all of it at its opening, and from then on what has changed since.
import { defineRead, type Tx } from '../storage/operation.ts'
import { type Block, readBlocks } from './blocks.ts'
import { findMailboxById, findOpenMailbox, type Mailbox, type OpenMailbox } from './mailbox-row.ts'
import {
  type FlagRow,
  flagColumns,
  type MailboxMessage,
  type MessageFlags,
  type MessageRow,
  messageColumns,
  readFlags,
  readMessage,
} from './message-row.ts'
import { parseRanges, type UidRange, uniteRanges } from './uid-ranges.ts'

export interface MailboxState {
  readonly mailbox: Mailbox
  readonly blocks: readonly Block[]
}

/** At one moment: the blocks are those of `mailbox.modSeq`. undefined: it is gone. */
export const readMailboxState = defineRead(
  'mailbox.read-state',
  async (tx, open: OpenMailbox): Promise<MailboxState | undefined> => {
    const mailbox = await findOpenMailbox(tx, open)
    return mailbox && { mailbox, blocks: await readBlocks(tx, mailbox.id) }
  },
)

/** Those that are there, without their messages. */
export const readMailboxes = defineRead(
  'mailbox.read-mailboxes',
  async (tx, { ids }: { readonly ids: readonly number[] }): Promise<readonly Mailbox[]> => {
    const mailboxes = await tx.forAll(ids, id => findMailboxById(tx, id))
    return mailboxes.filter(mailbox => mailbox !== undefined)
  },
)

/**
 * Where a page of changes ended. First come the last messages of the mailbox, the newest first, down to one that has not changed: all that
 * are new are among them. Then those above it, in the order of their mod-sequences: what changes meanwhile is not passed over.
 */
export interface ChangesPlace {
  /** The last messages, as far as they have been told. */
  readonly fromUid: number
  /** Of those above them, the last that was told; undefined: they have not begun. */
  readonly changed?: { readonly modSeq: number; readonly uid: number } | undefined
}

export interface ChangesSince extends OpenMailbox {
  /** The mod-sequence up to which the session knows everything. */
  readonly since: number
  /** `next` of the page before. */
  readonly after?: ChangesPlace | undefined
  readonly limit: number
}

export interface MailboxChanges {
  readonly mailbox: Mailbox
  /** New messages among them; `limit` at most. */
  readonly changed: readonly MessageFlags[]
  /** With the first page. 'forgotten': it was too long ago, whatever is not there has left. */
  readonly vanished: readonly UidRange[] | 'forgotten'
  /** undefined: there is no more. */
  readonly next: ChangesPlace | undefined
}

/** undefined: it is gone. */
export const readChanges = defineRead(
  'mailbox.read-changes',
  async (tx, { since, after, limit, ...open }: ChangesSince): Promise<MailboxChanges | undefined> => {
    const mailbox = await findOpenMailbox(tx, open)
    if (!mailbox) return undefined
    if (mailbox.modSeq <= since) return { mailbox, changed: [], vanished: [], next: undefined }
    const { rows, next } = await findChanged(tx, mailbox, since, after, limit)
    return {
      mailbox,
      changed: rows.map(readFlags),
      vanished: after ? [] : await findVanished(tx, mailbox, since),
      next,
    }
  },
)

interface ChangedPage {
  readonly rows: readonly FlagRow[]
  readonly next: ChangesPlace | undefined
}

async function findChanged(
  tx: Tx,
  mailbox: Mailbox,
  since: number,
  after: ChangesPlace = { fromUid: mailbox.uidNext },
  limit: number,
): Promise<ChangedPage> {
  if (after.changed) return await findChangedBefore(tx, mailbox.id, after.fromUid, after.changed, limit)
  const last = await findChangedAtEnd(tx, mailbox.id, since, after.fromUid, limit)
  if (last.next) return last
  const fromUid = last.rows.at(-1)?.uid ?? after.fromUid
  const start = { modSeq: since + 1, uid: 0 } // UIDs begin at 1
  const others = await findChangedBefore(tx, mailbox.id, fromUid, start, limit - last.rows.length)
  return { rows: [...last.rows, ...others.rows], next: others.next }
}

const firstPiece = 4

/** None that was there at `since` has a greater UID than one that has come later. */
async function findChangedAtEnd(
  tx: Tx,
  mailboxId: number,
  since: number,
  beforeUid: number,
  limit: number,
): Promise<ChangedPage> {
  const rows: FlagRow[] = []
  let fromUid = beforeUid
  // Mostly one has come, or none.
  for (let piece = firstPiece; rows.length < limit; piece *= 4) {
    const wanted = Math.min(piece, limit - rows.length)
    const found = await tx.all<FlagRow>(
      `SELECT ${flagColumns} FROM mailbox_message WHERE mailbox_id = ? AND uid < ? ORDER BY uid DESC LIMIT ?`,
      mailboxId,
      fromUid,
      wanted,
    )
    const end = found.findIndex(row => row.mod_seq <= since)
    rows.push(...(end < 0 ? found : found.slice(0, end)))
    if (end >= 0 || found.length < wanted) return { rows, next: undefined }
    fromUid = rows.at(-1)?.uid ?? fromUid
  }
  return { rows, next: { fromUid } }
}

async function findChangedBefore(
  tx: Tx,
  mailboxId: number,
  beforeUid: number,
  after: NonNullable<ChangesPlace['changed']>,
  limit: number,
): Promise<ChangedPage> {
  const rows = await tx.all<FlagRow>(
    `SELECT ${flagColumns} FROM mailbox_message ${tx.byIndex('mailbox_message_change')}
      WHERE mailbox_id = ? AND mod_seq <> filed_mod_seq AND (mod_seq, uid) > (?, ?) AND uid < ? ORDER BY mod_seq, uid LIMIT ?`,
    mailboxId,
    after.modSeq,
    after.uid,
    beforeUid,
    limit,
  )
  const last = rows.at(-1)
  if (!last || rows.length < limit) return { rows, next: undefined }
  return { rows, next: { fromUid: beforeUid, changed: { modSeq: last.mod_seq, uid: last.uid } } }
}

async function findVanished(tx: Tx, mailbox: Mailbox, since: number): Promise<MailboxChanges['vanished']> {
  if (since < mailbox.vanishedFrom) return 'forgotten'
  const rows = await tx.all<{ uids: string }>(
    'SELECT uids FROM mailbox_vanished WHERE mailbox_id = ? AND mod_seq > ?',
    mailbox.id,
    since,
  )
  return uniteRanges(rows.flatMap(({ uids }) => parseRanges(uids)))
}

export interface MessagesWanted extends OpenMailbox {
  readonly range: UidRange
  readonly limit: number
}

/** Which mailbox, in a WHERE, and its values: none where it is gone, whoever has its id now. */
export const inOpenMailbox =
  'mailbox_id = (SELECT id FROM mailbox WHERE id = ? AND account_id = ? AND uid_validity = ?)'
export function openMailboxValues(open: OpenMailbox): readonly [number, number, number] {
  return [open.mailboxId, open.accountId, open.uidValidity]
}

/** Ascending, `limit` at most. */
export const readMessages = defineRead(
  'mailbox.read-messages',
  async (tx, { range, limit, ...open }: MessagesWanted): Promise<readonly MailboxMessage[]> => {
    const rows = await tx.all<MessageRow>(
      `SELECT ${messageColumns} FROM mailbox_message WHERE ${inOpenMailbox} AND uid BETWEEN ? AND ? ORDER BY uid LIMIT ?`,
      ...openMailboxValues(open),
      range.first,
      range.last,
      limit,
    )
    return rows.map(readMessage)
  },
)

/** UIDs and sizes alone, ascending, `limit` at most. */
export const readSizes = defineRead(
  'mailbox.read-sizes',
  async (
    tx,
    { range, limit, ...open }: MessagesWanted,
  ): Promise<readonly Pick<MailboxMessage, 'uid' | 'size'>[]> =>
    await tx.all<Pick<MailboxMessage, 'uid' | 'size'>>(
      `SELECT uid, size FROM mailbox_message WHERE ${inOpenMailbox} AND uid BETWEEN ? AND ? ORDER BY uid LIMIT ?`,
      ...openMailboxValues(open),
      range.first,
      range.last,
      limit,
    ),
)

/** Those that have keywords, ascending: the flags of all are in the blocks. */
export const readKeywords = defineRead(
  'mailbox.read-keywords',
  async (tx, { range, limit, ...open }: MessagesWanted): Promise<readonly MessageFlags[]> => {
    const rows = await tx.all<FlagRow>(
      `SELECT ${flagColumns} FROM mailbox_message ${tx.byIndex('mailbox_message_keywords')}
        WHERE ${inOpenMailbox} AND uid BETWEEN ? AND ? AND keywords <> '' ORDER BY uid LIMIT ?`,
      ...openMailboxValues(open),
      range.first,
      range.last,
      limit,
    )
    return rows.map(readFlags)
  },
)
