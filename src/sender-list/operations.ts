// The lists of wanted and unwanted senders as the database keeps them: what a session asks, and what an administrator does.
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { findAccountBehind } from '../directory/find-account-behind.ts'
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import { everybodys, keyOfSender, keysOfNames, type SenderEntry, type SenderNames } from './sender-list.ts'

interface EntryRow {
  readonly owner_id: number
  readonly verdict: SenderEntry['verdict']
  readonly sender: string
  readonly note: string
  readonly since: number
}

const columns = 'owner_id, verdict, sender, note, since'

function readEntry({ owner_id: ownerId, ...row }: EntryRow): SenderEntry {
  return { ownerId, ...row }
}

export interface SenderQuestion {
  readonly names: SenderNames
  readonly recipients: readonly Address[]
  /** The server's own name. */
  readonly hostname: string
}

/** Keys of one statement, which is prepared once: the places that are left over ask for nobody. */
const keysAtOnce = 32

/**
 * For each recipient the entries that are about these names, of the account that gets its mail and of the administrator.
 * Empty where there are none for anybody, which costs one look.
 */
export const findSenderEntries = defineRead(
  'sender-list.find-entries',
  async (
    tx,
    { names, recipients, hostname }: SenderQuestion,
  ): Promise<readonly (readonly SenderEntry[])[]> => {
    const keys = keysOfNames(names)
    if (!(await isAnyAbout(tx, keys))) return []
    const known = new Map<number, readonly SenderEntry[]>()
    const found: (readonly SenderEntry[])[] = []
    for (const recipient of recipients) {
      const accountId = (await findAccountBehind.run(tx, { address: recipient, hostname })) ?? everybodys
      const entries = known.get(accountId) ?? (await readEntries(tx, keys, accountId))
      known.set(accountId, entries)
      found.push(entries)
    }
    return found
  },
)

export const hasSenderEntries = defineRead(
  'sender-list.has-entries',
  async (tx): Promise<boolean> => (await tx.get('SELECT 1 AS found FROM sender_entry LIMIT 1')) !== undefined,
)

async function isAnyAbout(tx: Tx, keys: readonly string[]): Promise<boolean> {
  for (const page of pagesOf(keys))
    if (await tx.get(`SELECT 1 AS found FROM sender_entry WHERE sender_key IN (${places}) LIMIT 1`, ...page))
      return true
  return false
}

async function readEntries(tx: Tx, keys: readonly string[], accountId: number): Promise<SenderEntry[]> {
  const entries: SenderEntry[] = []
  for (const page of pagesOf(keys)) {
    const rows = await tx.all<EntryRow>(
      `SELECT ${columns} FROM sender_entry WHERE sender_key IN (${places}) AND owner_id IN (?, ?)`,
      ...page,
      everybodys,
      accountId,
    )
    entries.push(...rows.map(readEntry))
  }
  return entries
}

const places = Array.from({ length: keysAtOnce }, () => '?').join(', ')

function* pagesOf(keys: readonly string[]): Iterable<readonly string[]> {
  for (let from = 0; from < keys.length; from += keysAtOnce) {
    const page = keys.slice(from, from + keysAtOnce)
    yield [...page, ...Array.from({ length: keysAtOnce - page.length }, () => '')]
  }
}

export interface NewSenderEntry extends Omit<SenderEntry, 'sender'> {
  /** An address, or a domain in its canonical spelling. */
  readonly sender: Address | string
}

/** Takes the place of what the list said of this sender. Returns that. */
export const putSenderEntry = defineWrite(
  'sender-list.put',
  async (
    tx,
    { ownerId, verdict, sender, note, since }: NewSenderEntry,
  ): Promise<SenderEntry['verdict'] | undefined> => {
    const key = keyOfSender(sender)
    const before = await tx.get<Pick<EntryRow, 'verdict'>>(
      'SELECT verdict FROM sender_entry WHERE sender_key = ? AND owner_id = ?',
      key,
      ownerId,
    )
    await tx.run(
      `INSERT INTO sender_entry (sender_key, owner_id, verdict, sender, note, since) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (sender_key, owner_id) DO UPDATE
         SET verdict = excluded.verdict, sender = excluded.sender, note = excluded.note, since = excluded.since`,
      key,
      ownerId,
      verdict,
      typeof sender === 'string' ? sender : formatAddress(sender),
      note,
      since,
    )
    return before?.verdict
  },
  { wakes: 'directory' },
)

/** False: the list had nothing about this sender. */
export const removeSenderEntry = defineWrite(
  'sender-list.remove',
  async (
    tx,
    { ownerId, sender }: { readonly ownerId: number; readonly sender: Address | string },
  ): Promise<boolean> => {
    const { changes } = await tx.run(
      'DELETE FROM sender_entry WHERE sender_key = ? AND owner_id = ?',
      keyOfSender(sender),
      ownerId,
    )
    return changes > 0
  },
  { wakes: 'directory' },
)

export interface SenderEntryPage {
  /** undefined: of all lists. */
  readonly ownerId: number | undefined
  readonly after: (Pick<SenderEntry, 'ownerId'> & { readonly key: string }) | undefined
  readonly limit: number
}

/** By owner and sender. `end`: where the next page begins; undefined: this was the last. */
export const listSenderEntries = defineRead(
  'sender-list.list',
  async (
    tx,
    { ownerId, after, limit }: SenderEntryPage,
  ): Promise<{ readonly entries: readonly SenderEntry[]; readonly end: SenderEntryPage['after'] }> => {
    const rows = await tx.all<EntryRow & { sender_key: string }>(
      `SELECT ${columns}, sender_key FROM sender_entry
        WHERE (owner_id > ? OR owner_id = ? AND sender_key > ?) AND owner_id <= ?
        ORDER BY owner_id, sender_key LIMIT ?`,
      (after?.ownerId ?? ownerId ?? 0) - (after ? 0 : 1),
      after?.ownerId ?? -1,
      after?.key ?? '',
      ownerId ?? Number.MAX_SAFE_INTEGER,
      limit,
    )
    const last = rows.at(-1)
    return {
      entries: rows.map(({ sender_key: _key, ...row }) => readEntry(row)),
      end: last && rows.length === limit ? { ownerId: last.owner_id, key: last.sender_key } : undefined,
    }
  },
)

export const senderListOperations = [
  findSenderEntries,
  hasSenderEntries,
  putSenderEntry,
  removeSenderEntry,
  listSenderEntries,
] as const
