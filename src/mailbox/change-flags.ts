// Changes flags and keywords of messages (RFC 9051 §6.4.6, RFC 7162 §3.1.3).
import { defineWrite, type Tx } from '../storage/operation.ts'
import { writeStates } from './blocks.ts'
import { noteAnswered } from './judgements.ts'
import {
  adoptKeywords,
  advanceMailbox,
  type Counted,
  countMessages,
  lockOpenMailbox,
  type OpenMailbox,
} from './mailbox-row.ts'
import { type FlagRow, flagColumns, type MessageFlags, readFlags } from './message-row.ts'
import { type Changeable, flagBits, flags as flagOf, formatKeywords, stateOf } from './message-state.ts'
import { rangesOf, type UidRange } from './uid-ranges.ts'

export interface FlagChange extends OpenMailbox {
  /** Some thousand messages at most: others wait for the end of this transaction. */
  readonly ranges: readonly UidRange[]
  readonly mode: 'set' | 'add' | 'remove'
  /** Bits as in message-state.ts. */
  readonly flags: number
  readonly keywords: readonly string[]
  /** Messages that have changed after this mod-sequence are left as they are. */
  readonly unchangedSince?: number | undefined
  /** Others stay as they are, whatever is to be set. Default: all. */
  readonly changeable?: Changeable | undefined
}

export type FlagsChanged =
  | {
      readonly kind: 'changed'
      /** As they are now, those alone that changed. */
      readonly changed: readonly MessageFlags[]
      /** Left as they are because of `unchangedSince`. */
      readonly modified: readonly UidRange[]
    }
  | { readonly kind: 'too-many-keywords' }
  | { readonly kind: 'gone' }

interface Row extends FlagRow {
  readonly size: number
}

export const changeFlags = defineWrite(
  'mailbox.change-flags',
  async (tx, change: FlagChange): Promise<FlagsChanged> => {
    const mailbox = await lockOpenMailbox(tx, change)
    if (!mailbox) return { kind: 'gone' }
    // A keyword that is only taken away need not be one of the mailbox's.
    const allowed = ofChangeable(change)
    const keywords =
      change.mode === 'remove' ? allowed.keywords : await adoptKeywords(tx, mailbox, allowed.keywords)
    if (!keywords) return { kind: 'too-many-keywords' }
    const rows = await findRows(tx, change)
    const { unchangedSince = Number.MAX_SAFE_INTEGER } = change
    const after = rows
      .filter(row => row.mod_seq <= unchangedSince)
      .map(row => applyChange(row, { ...allowed, keywords }))
    const before = new Map(rows.map(row => [row.uid, row]))
    const changed = after.filter(
      row => row.flags !== before.get(row.uid)?.flags || row.keywords !== before.get(row.uid)?.keywords,
    )
    const modified = rangesOf(rows.flatMap(row => (row.mod_seq > unchangedSince ? [row.uid] : [])))
    if (changed.length === 0) return { kind: 'changed', changed: [], modified }
    const modSeq = await moveOn(
      tx,
      mailbox.id,
      changed.flatMap(row => before.get(row.uid) ?? []),
      changed,
    )
    for (const { first, last, flags, keywords: text } of runsOf(changed, rows))
      await tx.run(
        'UPDATE mailbox_message SET flags = ?, keywords = ?, mod_seq = ? WHERE mailbox_id = ? AND uid BETWEEN ? AND ?',
        flags,
        text,
        modSeq,
        mailbox.id,
        first,
        last,
      )
    await writeStates(
      tx,
      mailbox.id,
      changed.map(row => [row.uid, stateOf(row)]),
    )
    const isAnswered = (row: Row | undefined): boolean => ((row?.flags ?? 0) & flagOf.answered) !== 0
    const answered = changed.filter(row => isAnswered(row) && !isAnswered(before.get(row.uid)))
    await noteAnswered(
      tx,
      mailbox,
      answered.map(({ uid }) => uid),
    )
    return { kind: 'changed', changed: changed.map(row => readFlags({ ...row, mod_seq: modSeq })), modified }
  },
)

async function findRows(tx: Tx, { mailboxId, ranges }: FlagChange): Promise<readonly Row[]> {
  const found = await tx.forAll(ranges, ({ first, last }) =>
    tx.all<Row>(
      `SELECT ${flagColumns}, size FROM mailbox_message WHERE mailbox_id = ? AND uid BETWEEN ? AND ? ORDER BY uid`,
      mailboxId,
      first,
      last,
    ),
  )
  return found.flat()
}

const everything: Changeable = { flags: flagBits, keywords: true }

/** Without what is not to be changed. */
function ofChangeable(change: FlagChange): FlagChange & { readonly changeable: Changeable } {
  const { changeable = everything, flags, keywords } = change
  return {
    ...change,
    changeable,
    flags: flags & changeable.flags,
    keywords: changeable.keywords ? keywords : [],
  }
}

function applyChange(row: Row, change: FlagChange & { readonly changeable: Changeable }): Row {
  const { mode, flags, keywords, changeable } = change
  if (mode === 'set')
    return {
      ...row,
      flags: (row.flags & ~changeable.flags) | flags,
      keywords: changeable.keywords ? formatKeywords(keywords) : row.keywords,
    }
  const own = row.keywords === '' ? [] : row.keywords.split(' ')
  if (mode === 'add')
    return { ...row, flags: row.flags | flags, keywords: formatKeywords([...own, ...keywords]) }
  const removed = new Set(keywords.map(keyword => keyword.toLowerCase()))
  return {
    ...row,
    flags: row.flags & ~flags,
    keywords: formatKeywords(own.filter(keyword => !removed.has(keyword.toLowerCase()))),
  }
}

/** The new mod-sequence, with the counters as they are after the change. */
async function moveOn(
  tx: Tx,
  mailboxId: number,
  before: readonly Counted[],
  after: readonly Counted[],
): Promise<number> {
  const [left, came] = [countMessages(before, -1), countMessages(after)]
  const { modSeq } = await advanceMailbox(tx, mailboxId, {
    messages: 0,
    bytes: 0,
    unseen: left.unseen + came.unseen,
    deleted: left.deleted + came.deleted,
    deletedBytes: left.deletedBytes + came.deletedBytes,
  })
  return modSeq
}

interface Run {
  first: number
  last: number
  readonly flags: number
  readonly keywords: string
}

/** Neighbours that become the same are written by one statement: nothing stands between them that is not among them. */
function* runsOf(changed: readonly Row[], rows: readonly Row[]): Generator<Readonly<Run>> {
  const place = new Map(rows.map(({ uid }, at) => [uid, at]))
  let run: Run | undefined
  for (const { uid, flags, keywords } of changed) {
    const at = place.get(uid) ?? 0
    // Neighbours among the rows that were asked for need not be neighbours in the mailbox.
    const isNext = run && rows[at - 1]?.uid === run.last && run.last === uid - 1
    if (run && isNext && run.flags === flags && run.keywords === keywords) run.last = uid
    else {
      if (run) yield run
      run = { first: uid, last: uid, flags, keywords }
    }
  }
  if (run) yield run
}
