// What is wrong with a mailbox: what it keeps beside the rows of its messages, held against these; and how it is made anew from them.
import { mailDataSize } from '../storage/mail-data-rows.ts'
import { defineRead, defineWrite, type Storage, type Tx } from '../storage/operation.ts'
import { type Block, readBlocks, uidsInState, uidsPerBlock } from './blocks.ts'
import { type Derived, deriveMailbox } from './derive-mailbox.ts'
import { type CounterChange, findMailboxById, lockAccounts, type Mailbox } from './mailbox-row.ts'
import { formatKeywords, live } from './message-state.ts'
import { type MailboxScope, type NamedMailbox, namedMailboxes } from './named-mailboxes.ts'
import { writeDerived } from './rebuild-blocks.ts'
import {
  intersectRanges,
  parseRanges,
  rangesOf,
  summarizeRanges,
  type UidRange,
  uniteRanges,
} from './uid-ranges.ts'

export interface MailboxDamage extends NamedMailbox {
  /** What `mendMailbox` makes anew: 'it counts wrong: unseen'. */
  readonly problems: readonly string[]
  /** Messages whose mail data is not there, which nothing makes anew. */
  readonly lost: readonly UidRange[]
}

/** Of the mailboxes of the scope, else of all, those that are not in order. */
export async function findMailboxDamage(
  storage: Pick<Storage, 'run'>,
  scope?: MailboxScope,
): Promise<readonly MailboxDamage[]> {
  const damage: MailboxDamage[] = []
  for await (const mailbox of namedMailboxes(storage, scope)) {
    const found = await storage.run(inspectMailbox, mailbox)
    if (found && found.problems.length + found.lost.length > 0) damage.push({ ...mailbox, ...found })
  }
  return damage
}

/** At one moment. */
const inspectMailbox = defineRead(
  'mailbox.inspect',
  async (
    tx,
    { mailboxId }: Pick<NamedMailbox, 'mailboxId'>,
  ): Promise<Pick<MailboxDamage, 'problems' | 'lost'> | undefined> => {
    const mailbox = await findMailboxById(tx, mailboxId)
    if (!mailbox) return undefined
    const { problems, derived } = await examine(tx, mailbox)
    return { problems, lost: derived.lost }
  },
)

export const mendMailbox = defineWrite(
  'mailbox.mend',
  async (tx, { mailboxId, accountId }: Pick<NamedMailbox, 'mailboxId' | 'accountId'>): Promise<void> => {
    await lockAccounts(tx, accountId)
    const mailbox = await findMailboxById(tx, mailboxId)
    if (!mailbox) return
    const { derived, lastUid, untoldKeywords, mistold } = await examine(tx, mailbox)
    for (const { first, last } of derived.missized)
      await tx.run(
        `UPDATE mailbox_message
            SET size = octet_length(trace_fields) + (SELECT ${mailDataSize} FROM mail_data WHERE mail_data.id = mail_data_id)
          WHERE mailbox_id = ? AND uid BETWEEN ? AND ?`,
        mailboxId,
        first,
        last,
      )
    await tx.run(
      'UPDATE mailbox SET uid_next = ?, keywords = ? WHERE id = ?',
      Math.max(mailbox.uidNext, lastUid + 1),
      formatKeywords([...mailbox.keywords, ...untoldKeywords]),
      mailboxId,
    )
    if (mistold) await tellAnew(tx, mailboxId, mistold)
    await writeDerived(tx, mailbox, derived)
  },
)

/** What programs may have been told of it is not so. */
interface Mistold {
  /** The messages of which it is not. */
  readonly uids: readonly UidRange[]
  /** The greatest mod-sequence that they may know. */
  readonly modSeq: number
}

/** They count as changed from now on, and who was away looks for what has left among what is there. */
async function tellAnew(tx: Tx, mailboxId: number, { uids, modSeq }: Mistold): Promise<void> {
  const next = modSeq + 1
  await tx.run('UPDATE mailbox SET mod_seq = ?, vanished_from = ? WHERE id = ?', next, next, mailboxId)
  await tx.run('DELETE FROM mailbox_vanished WHERE mailbox_id = ?', mailboxId)
  for (const { first, last } of uids)
    await tx.run(
      'UPDATE mailbox_message SET mod_seq = ? WHERE mailbox_id = ? AND uid BETWEEN ? AND ?',
      next,
      mailboxId,
      first,
      last,
    )
}

interface Examined {
  readonly derived: Derived
  readonly problems: readonly string[]
  /** The greatest UID that it is known to have given. */
  readonly lastUid: number
  /** Its messages have them, and its list has not. */
  readonly untoldKeywords: readonly string[]
  readonly mistold: Mistold | undefined
}

async function examine(tx: Tx, mailbox: Mailbox): Promise<Examined> {
  const derived = await deriveMailbox(tx, mailbox.id)
  const left = await readLeft(tx, mailbox.id)
  const there = rangesOf(uidsInState(derived.blocks, live, live))
  const misstated = findMisstated(await readBlocks(tx, mailbox.id), derived.blocks)
  const toldGone = intersectRanges(left.uids ?? [], there)
  const lastUid = Math.max(derived.lastUid, left.lastUid)
  const lastModSeq = Math.max(derived.lastModSeq, left.lastModSeq)
  const isBehind = lastModSeq > mailbox.modSeq
  const isMistold = isBehind || misstated !== undefined || left.uids === undefined || toldGone.length > 0
  const miscounted = (Object.keys(derived.counters) as (keyof CounterChange)[]).filter(
    name => derived.counters[name] !== mailbox[name],
  )
  const known = new Set(mailbox.keywords.map(keyword => keyword.toLowerCase()))
  const untoldKeywords = [...derived.keywords].filter(keyword => !known.has(keyword.toLowerCase()))
  const problems = [
    miscounted.length > 0 && `it counts wrong: ${miscounted.join(', ')}`,
    misstated && 'its index of UIDs and flags is not that of its messages',
    derived.missized.length > 0 && `it tells a wrong size of UID ${summarizeRanges(derived.missized)}`,
    lastUid >= mailbox.uidNext && `it would give UID ${mailbox.uidNext} next, and has given ${lastUid}`,
    isBehind && `its mod-sequence is ${mailbox.modSeq}, and it has told ${lastModSeq}`,
    left.uids === undefined && 'what it remembers of messages that have left cannot be read',
    toldGone.length > 0 &&
      `it tells programs that UID ${summarizeRanges(toldGone)} has left, and it is there`,
    untoldKeywords.length > 0 &&
      `it does not tell of keywords that its messages have: ${untoldKeywords.join(' ')}`,
  ]
  return {
    derived,
    problems: problems.filter(problem => typeof problem === 'string'),
    lastUid,
    untoldKeywords,
    mistold: isMistold
      ? {
          // All of them in one range: their own may be as many as they are.
          uids: isBehind
            ? [{ first: 1, last: derived.lastUid }]
            : uniteRanges([...rangesOf(misstated ?? []), ...toldGone]),
          modSeq: Math.max(mailbox.modSeq, lastModSeq),
        }
      : undefined,
  }
}

/** The messages that are not in the blocks as they are; undefined: the blocks are right. */
function findMisstated(kept: readonly Block[], derived: readonly Block[]): number[] | undefined {
  const keptStates = new Map(kept.map(({ number, states }) => [number, states]))
  const uids: number[] = []
  let isRight = kept.length === derived.length
  for (const { number, states } of derived) {
    const others = keptStates.get(number)
    if (others && Buffer.compare(others, states) === 0) continue
    isRight = false
    for (const [at, state] of states.entries())
      if (state !== 0 && state !== others?.[at]) uids.push(number * uidsPerBlock + at)
  }
  return isRight ? undefined : uids
}

interface Left {
  /** Ascending; undefined: they cannot be read. */
  readonly uids: readonly UidRange[] | undefined
  /** 0: none is remembered, or kept aside. */
  readonly lastUid: number
  readonly lastModSeq: number
}

/** As `formatRanges` has written it. */
const rangesText = /^(?:\d{1,10}(?::\d{1,10})?(?:,(?=\d)|$))*$/

async function readLeft(tx: Tx, mailboxId: number): Promise<Left> {
  const rows = await tx.all<{ uids: string; mod_seq: number }>(
    'SELECT uids, mod_seq FROM mailbox_vanished WHERE mailbox_id = ? ORDER BY mod_seq',
    mailboxId,
  )
  const aside = await tx.get<{ uid: number | null }>(
    'SELECT max(uid) AS uid FROM expunged_message WHERE mailbox_id = ?',
    mailboxId,
  )
  const uids = rows.every(row => rangesText.test(row.uids))
    ? uniteRanges(rows.flatMap(row => parseRanges(row.uids)))
    : undefined
  return {
    uids,
    lastUid: Math.max(aside?.uid ?? 0, uids?.at(-1)?.last ?? 0),
    lastModSeq: rows.at(-1)?.mod_seq ?? 0,
  }
}
