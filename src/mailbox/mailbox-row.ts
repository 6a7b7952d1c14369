// The row of a mailbox: its identity, its counters, and how a write moves them on.
import type { Tx } from '../storage/operation.ts'
import type { MessageFlags } from './message-row.ts'
import { flags, formatKeywords, parseKeywords } from './message-state.ts'
import { changeUse } from './quota.ts'

/** What a mailbox is for (RFC 6154), without the backslash of the attribute. */
export type SpecialUse = 'Archive' | 'Drafts' | 'Junk' | 'Sent' | 'Trash'

/** A mailbox as a session has opened it: with another `uidValidity` it is another mailbox. */
export interface OpenMailbox {
  /** Its owner's. */
  readonly accountId: number
  readonly mailboxId: number
  readonly uidValidity: number
}

export interface Mailbox {
  readonly id: number
  readonly accountId: number
  /** 'INBOX', or UTF-8 with '/' between the levels. */
  readonly name: string
  readonly uidValidity: number
  readonly uidNext: number
  /** The highest mod-sequence of its messages, those that have left among them (RFC 7162 §3.1.2.1). */
  readonly modSeq: number
  readonly messages: number
  readonly unseen: number
  /** With \Deleted. */
  readonly deleted: number
  readonly bytes: number
  /** Of those with \Deleted (RFC 9208 §4.1.4). */
  readonly deletedBytes: number
  /** All that its messages have or had. */
  readonly keywords: readonly string[]
  readonly specialUse: SpecialUse | undefined
  /** The first UID that no session has been told of as recent (RFC 3501 §2.3.2). */
  readonly recentFrom: number
  /** What has left is known after this mod-sequence. */
  readonly vanishedFrom: number
}

export const mailboxColumns = `mailbox.id, mailbox.account_id, mailbox.name, uid_validity, uid_next, mailbox.mod_seq,
  messages, unseen, deleted, bytes, deleted_bytes, mailbox.keywords, special_use, recent_from, vanished_from`

export interface MailboxRow {
  readonly id: number
  readonly account_id: number
  readonly name: string
  readonly uid_validity: number
  readonly uid_next: number
  readonly mod_seq: number
  readonly messages: number
  readonly unseen: number
  readonly deleted: number
  readonly bytes: number
  readonly deleted_bytes: number
  readonly keywords: string
  readonly special_use: SpecialUse | null
  readonly recent_from: number
  readonly vanished_from: number
}

export function readMailbox(row: MailboxRow): Mailbox {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    uidValidity: row.uid_validity,
    uidNext: row.uid_next,
    modSeq: row.mod_seq,
    messages: row.messages,
    unseen: row.unseen,
    deleted: row.deleted,
    bytes: row.bytes,
    deletedBytes: row.deleted_bytes,
    keywords: parseKeywords(row.keywords),
    specialUse: row.special_use ?? undefined,
    recentFrom: row.recent_from,
    vanishedFrom: row.vanished_from,
  }
}

export function openingOf({ accountId, id, uidValidity }: Mailbox): OpenMailbox {
  return { accountId, mailboxId: id, uidValidity }
}

/** RFC 8474 §4: of one mailbox for ever, whatever its name. */
export function mailboxIdOf({ id, uidValidity }: Pick<Mailbox, 'id' | 'uidValidity'>): string {
  return `M${id}-${uidValidity}`
}

export async function findMailboxById(tx: Tx, id: number): Promise<Mailbox | undefined> {
  const row = await tx.get<MailboxRow>(`SELECT ${mailboxColumns} FROM mailbox WHERE id = ?`, id)
  return row && readMailbox(row)
}

/** undefined: it is no longer there, or another has its id. */
export async function findOpenMailbox(tx: Tx, open: OpenMailbox): Promise<Mailbox | undefined> {
  const row = await tx.get<MailboxRow>(
    `SELECT ${mailboxColumns} FROM mailbox WHERE id = ? AND account_id = ? AND uid_validity = ?`,
    open.mailboxId,
    open.accountId,
    open.uidValidity,
  )
  return row && readMailbox(row)
}

/**
 * The same, for whoever changes it: whoever else would change a mailbox of these accounts waits until `tx` has ended.
 * In the order of their ids, so that two do not wait for each other.
 */
export async function lockAccounts(tx: Tx, ...accountIds: readonly number[]): Promise<void> {
  for (const id of [...new Set(accountIds)].sort((a, b) => a - b)) await tx.lockRow('account', id)
}

export async function lockOpenMailbox(tx: Tx, open: OpenMailbox): Promise<Mailbox | undefined> {
  await lockAccounts(tx, open.accountId)
  return await findOpenMailbox(tx, open)
}

/** By how much the counters of a mailbox change. */
export interface CounterChange {
  readonly messages: number
  readonly unseen: number
  readonly deleted: number
  readonly bytes: number
  readonly deletedBytes: number
}

export type Counted = Pick<MessageFlags, 'flags'> & { readonly size: number }

/** Of messages that come; with -1, of messages that leave. */
export function countMessages(messages: readonly Counted[], sign: 1 | -1 = 1): CounterChange {
  const change = { messages: 0, unseen: 0, deleted: 0, bytes: 0, deletedBytes: 0 }
  for (const message of messages) {
    change.messages += sign
    change.bytes += sign * message.size
    if ((message.flags & flags.seen) === 0) change.unseen += sign
    if ((message.flags & flags.deleted) !== 0) {
      change.deleted += sign
      change.deletedBytes += sign * message.size
    }
  }
  return change
}

export interface Advanced {
  readonly modSeq: number
  /** The first of the UIDs that were taken. */
  readonly firstUid: number
}

/**
 * Takes the next mod-sequence, and UIDs (RFC 9051 §2.3.1.1: they ascend), and counts what has changed, for the account too;
 * whoever looks at the mailbox is told after the commit.
 */
export async function advanceMailbox(
  tx: Tx,
  mailboxId: number,
  change: CounterChange,
  uids = 0,
): Promise<Advanced> {
  const row = await tx.get<{ account_id: number; mod_seq: number; first_uid: number }>(
    `UPDATE mailbox SET mod_seq = mod_seq + 1, uid_next = uid_next + ?, messages = messages + ?, unseen = unseen + ?,
            deleted = deleted + ?, bytes = bytes + ?, deleted_bytes = deleted_bytes + ?
      WHERE id = ? RETURNING account_id, mod_seq, uid_next - ? AS first_uid`,
    uids,
    change.messages,
    change.unseen,
    change.deleted,
    change.bytes,
    change.deletedBytes,
    mailboxId,
    uids,
  )
  if (!row) throw new Error(`there is no mailbox ${mailboxId}`)
  if (change.messages !== 0) await changeUse(tx, row.account_id, change)
  tx.wake('mailbox', mailboxId)
  return { modSeq: row.mod_seq, firstUid: row.first_uid }
}

/** A mailbox has at most so many different keywords: each is told at every SELECT. */
const maxKeywords = 500
const maxKeywordLength = 200
/** RFC 9051 §9: flag-keyword is an atom. */
const atom = /^[!#$&'+-[^-z|}~]+$/

/**
 * `keywords` as the mailbox writes them (they are the same in either case, RFC 9051 §2.3.2); new ones are kept.
 * undefined: they would be too many, or one is too long.
 */
export async function adoptKeywords(
  tx: Tx,
  mailbox: Pick<Mailbox, 'id' | 'keywords'>,
  keywords: readonly string[],
): Promise<readonly string[] | undefined> {
  if (keywords.length === 0) return keywords
  const known = new Map(mailbox.keywords.map(keyword => [keyword.toLowerCase(), keyword]))
  const adopted = keywords.map(keyword => {
    const key = keyword.toLowerCase()
    const written = known.get(key) ?? keyword
    known.set(key, written)
    return written
  })
  if (known.size > maxKeywords || adopted.some(keyword => keyword.length > maxKeywordLength)) return undefined
  if (known.size > mailbox.keywords.length)
    await tx.run('UPDATE mailbox SET keywords = ? WHERE id = ?', formatKeywords(known.values()), mailbox.id)
  return adopted
}

/**
 * The same for messages that come with keywords, from wherever: what their rows have of them. None, where all together are too many; none that
 * is too long, or that IMAP has no words for.
 */
export async function keywordsForRows(
  tx: Tx,
  mailbox: Pick<Mailbox, 'id' | 'keywords'>,
  all: Iterable<string>,
): Promise<(keywords: readonly string[]) => string> {
  const wanted = [...new Set(all)].filter(keyword => keyword.length <= maxKeywordLength && atom.test(keyword))
  const adopted = await adoptKeywords(tx, mailbox, wanted)
  const written = new Map(adopted?.map((keyword, at) => [wanted[at], keyword]))
  return keywords => formatKeywords(keywords.flatMap(keyword => written.get(keyword) ?? []))
}
