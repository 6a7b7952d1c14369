// Copies and moves messages to another mailbox, all or none of them (RFC 9051 §6.4.7, §6.4.8).
import { defineWrite, type Tx } from '../storage/operation.ts'
import { writeStates } from './blocks.ts'
import { noteVanished } from './expunge.ts'
import { noteJudgements } from './judgements.ts'
import { findMailboxNamed } from './mailbox-names.ts'
import {
  advanceMailbox,
  countMessages,
  findOpenMailbox,
  keywordsForRows,
  lockAccounts,
  type Mailbox,
  type OpenMailbox,
} from './mailbox-row.ts'
import { type FlagRow, flagColumns } from './message-row.ts'
import { type Changeable, parseKeywords, stateOf } from './message-state.ts'
import { wantWordsFrom } from './message-words.ts'
import { type Extent, takeRoom } from './quota.ts'
import { rangesOf, type UidRange } from './uid-ranges.ts'

export interface Copying {
  readonly from: OpenMailbox
  readonly ranges: readonly UidRange[]
  readonly to: { readonly accountId: number; readonly name: string }
  /** What an account may have, where nothing else is said of it; undefined: they come whether or not there is room. */
  readonly usual?: Extent | undefined
  /** Of the flags and keywords these come along. Default: all. */
  readonly brings?: Changeable | undefined
  readonly now: number
}

export type Copied =
  | {
      readonly kind: 'copied'
      readonly target: OpenMailbox
      /** Of those that were there, ascending. */
      readonly source: readonly UidRange[]
      /** The UID of the first in the other mailbox; those of the others follow it. */
      readonly firstUid: number
    }
  /** None of them is there. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'no-target' | 'over-quota' }

export const copyMessages = defineWrite(
  'mailbox.copy',
  async (tx, copying: Copying): Promise<Copied> => await bring(tx, copying, insertCopies),
)

/** The copy, and the leaving of the originals: nobody finds a message in both, or in neither. */
export const moveMessages = defineWrite(
  'mailbox.move',
  async (tx, copying: Copying): Promise<Copied> => await bring(tx, copying, moveRows),
)

interface Row extends FlagRow {
  readonly id: number
  readonly size: number
}

interface Bringing {
  readonly source: Mailbox
  readonly target: Mailbox
  /** As they are where they come from. */
  readonly found: readonly Row[]
  /** As they will be. */
  readonly rows: readonly Row[]
  readonly firstUid: number
  readonly modSeq: number
  readonly now: number
}

type Way = Pick<Bringing, 'source' | 'target' | 'now'> & Pick<Copying, 'brings'>

type WriteRows = (tx: Tx, bringing: Bringing) => Promise<void>

async function bring(tx: Tx, copying: Copying, write: WriteRows): Promise<Copied> {
  const { from, ranges, to, brings, now } = copying
  await lockAccounts(tx, from.accountId, to.accountId)
  const source = await findOpenMailbox(tx, from)
  if (!source) return { kind: 'gone' }
  const target = await findMailboxNamed(tx, to.accountId, to.name)
  if (!target) return { kind: 'no-target' }
  const rows = await findRows(tx, source, ranges)
  if (rows.length === 0) return { kind: 'nothing' }
  const isMore = write === insertCopies || source.accountId !== target.accountId
  if (isMore && !(await hasRoom(tx, copying, rows))) return { kind: 'over-quota' }
  const firstUid = await bringRows(tx, { source, target, brings, now }, rows, write)
  await noteJudgements(tx, source, target, firstUid)
  return {
    kind: 'copied',
    target: { accountId: target.accountId, mailboxId: target.id, uidValidity: target.uidValidity },
    source: rangesOf(rows.map(({ uid }) => uid)),
    firstUid,
  }
}

async function hasRoom(tx: Tx, { to, usual, now }: Copying, rows: readonly Row[]): Promise<boolean> {
  if (!usual) return true
  const extent = { bytes: rows.reduce((sum, { size }) => sum + size, 0), messages: rows.length }
  return (await takeRoom(tx, { accountId: to.accountId, extent, usual, now })) === 'there'
}

async function findRows(tx: Tx, source: Mailbox, ranges: readonly UidRange[]): Promise<readonly Row[]> {
  const found = await tx.forAll(ranges, ({ first, last }) =>
    tx.all<Row>(
      `SELECT ${flagColumns}, id, size FROM mailbox_message WHERE mailbox_id = ? AND uid BETWEEN ? AND ? ORDER BY uid`,
      source.id,
      first,
      last,
    ),
  )
  return found.flat()
}

/** The first UID in the other mailbox. */
async function bringRows(tx: Tx, way: Way, found: readonly Row[], write: WriteRows): Promise<number> {
  const { source, target, brings, now } = way
  const rows = await keepKeywords(tx, target, brings ? found.map(row => only(row, brings)) : found)
  const { firstUid, modSeq } = await advanceMailbox(tx, target.id, countMessages(rows), rows.length)
  await write(tx, { source, target, now, found, rows, firstUid, modSeq })
  if (target.accountId !== source.accountId)
    await wantWordsFrom(tx, { mailboxId: target.id, accountId: target.accountId, firstUid })
  await writeStates(
    tx,
    target.id,
    rows.map((row, at) => [firstUid + at, stateOf(row)]),
  )
  return firstUid
}

function only(row: Row, brings: Changeable): Row {
  return { ...row, flags: row.flags & brings.flags, keywords: brings.keywords ? row.keywords : '' }
}

/** Keywords come along as long as the other mailbox can have them. */
async function keepKeywords(tx: Tx, target: Mailbox, rows: readonly Row[]): Promise<readonly Row[]> {
  const all = rows.flatMap(row => parseKeywords(row.keywords))
  const textOf = await keywordsForRows(tx, target, all)
  return rows.map(row => ({ ...row, keywords: textOf(parseKeywords(row.keywords)) }))
}

/**
 * Inside somebody's transaction, who has locked the account. The UID of the first in the other mailbox; undefined: there
 * is none of them.
 */
export async function moveRowsTo(
  tx: Tx,
  way: Pick<Bringing, 'source' | 'target' | 'now'>,
  ranges: readonly UidRange[],
): Promise<number | undefined> {
  const rows = await findRows(tx, way.source, ranges)
  return rows.length === 0 ? undefined : await bringRows(tx, way, rows, moveRows)
}

async function insertCopies(tx: Tx, { target, rows, firstUid, modSeq, now }: Bringing): Promise<void> {
  for (const [at, { id, flags, keywords }] of rows.entries())
    await tx.run(
      `INSERT INTO mailbox_message
         (mailbox_id, uid, mail_data_id, queue_id, trace_fields, received_at, saved_at, size, flags, keywords, mod_seq,
          filed_mod_seq)
       SELECT ?, ?, mail_data_id, queue_id, trace_fields, received_at, ?, size, ?, ?, ?, ? FROM mailbox_message WHERE id = ?`,
      target.id,
      firstUid + at,
      now,
      flags,
      keywords,
      modSeq,
      modSeq,
      id,
    )
}

async function moveRows(tx: Tx, bringing: Bringing): Promise<void> {
  const { source, target, found, rows, firstUid, modSeq, now } = bringing
  for (const [at, { id, flags, keywords }] of rows.entries())
    await tx.run(
      `UPDATE mailbox_message SET mailbox_id = ?, uid = ?, saved_at = ?, flags = ?, keywords = ?, mod_seq = ?, filed_mod_seq = ?
        WHERE id = ?`,
      target.id,
      firstUid + at,
      now,
      flags,
      keywords,
      modSeq,
      modSeq,
      id,
    )
  await noteVanished(tx, source, found)
}
