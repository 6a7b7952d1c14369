// What people and programs note of a mailbox, or of the server (RFC 5464): entries by name, each for everybody who may see the
// mailbox, or for one account alone.
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import { findMailboxOfUse, wakeNames } from './mailbox-names.ts'
import {
  advanceMailbox,
  lockAccounts,
  lockOpenMailbox,
  type OpenMailbox,
  type SpecialUse,
} from './mailbox-row.ts'

/** Whose entries: those of a mailbox, or of the server (undefined), as this account has them. */
export interface MetadataPlace {
  readonly mailbox: OpenMailbox | undefined
  readonly accountId: number
}

export interface MetadataEntry {
  /** In lower case: '/shared/comment'. */
  readonly name: string
  /** Octets. */
  readonly size: number
}

const serverId = 0
const everybody = 0

const mailboxIdOf = ({ mailbox }: MetadataPlace): number => mailbox?.mailboxId ?? serverId
const readerOf = (name: string, accountId: number): number =>
  name.startsWith('/private/') ? accountId : everybody

/** By name. */
export const listMetadata = defineRead(
  'mailbox.list-metadata',
  async (tx, place: MetadataPlace): Promise<readonly MetadataEntry[]> =>
    await tx.all<MetadataEntry>(
      `SELECT name, length(value) AS size FROM mailbox_metadata
        WHERE mailbox_id = ? AND reader_id IN (?, ?) AND value IS NOT NULL ORDER BY name`,
      mailboxIdOf(place),
      everybody,
      place.accountId,
    ),
)

/** Those that are there. */
export const readMetadata = defineRead(
  'mailbox.read-metadata',
  async (
    tx,
    { names, ...place }: MetadataPlace & { readonly names: readonly string[] },
  ): Promise<ReadonlyMap<string, Uint8Array>> => {
    const rows = await tx.forAll(names, name =>
      tx.get<{ value: Uint8Array | null }>(
        'SELECT value FROM mailbox_metadata WHERE mailbox_id = ? AND reader_id = ? AND name = ?',
        mailboxIdOf(place),
        readerOf(name, place.accountId),
        name,
      ),
    )
    const found = new Map<string, Uint8Array>()
    for (const [at, name] of names.entries()) {
      const value = rows[at]?.value
      if (value) found.set(name, value)
    }
    return found
  },
)

export interface MetadataChange extends MetadataPlace {
  /** null takes an entry away. */
  readonly entries: ReadonlyMap<string, Uint8Array | null>
  /** What the mailbox is for from now on; null: nothing. */
  readonly specialUse?: SpecialUse | null | undefined
}

/** Of a mailbox, or of the server: entries for everybody, and as many again for each reader. */
const maxEntries = 100
/** Of all mailboxes of one owner; of the private entries of one account the same. */
const maxTotalBytes = 10 * 1024 * 1024

export type MetadataWritten =
  /** `modSeq` is theirs. */
  | { readonly kind: 'written'; readonly modSeq: number }
  /** Also where together they are too large. */
  | { readonly kind: 'too-many' | 'special-use-taken' | 'gone' }

/** All of them, or none. */
export const writeMetadata = defineWrite(
  'mailbox.write-metadata',
  async (tx, change: MetadataChange): Promise<MetadataWritten> => {
    const { mailbox: open, accountId, entries, specialUse } = change
    await lockAccounts(tx, accountId, ...(open ? [open.accountId] : []))
    const mailbox = open && (await lockOpenMailbox(tx, open))
    if (open && !mailbox) return { kind: 'gone' }
    if (mailbox && specialUse !== undefined) {
      const other = specialUse && (await findMailboxOfUse(tx, mailbox.accountId, specialUse))
      if (other && other.id !== mailbox.id) return { kind: 'special-use-taken' }
    }
    if (await isTooMuch(tx, change)) return { kind: 'too-many' }
    if (mailbox && specialUse !== undefined) {
      await tx.run('UPDATE mailbox SET special_use = ? WHERE id = ?', specialUse, mailbox.id)
      wakeNames(tx, mailbox.accountId)
    }
    if (!mailbox) wakeNames(tx, accountId)
    // Nothing of its messages changes; whoever looks at the mailbox is told by it what else does.
    const modSeq = mailbox
      ? (await advanceMailbox(tx, mailbox.id, nothing)).modSeq
      : await nextOfServer(tx, accountId)
    for (const [name, value] of entries)
      await tx.run(
        `INSERT INTO mailbox_metadata (mailbox_id, reader_id, name, value, mod_seq) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (mailbox_id, reader_id, name) DO UPDATE SET value = excluded.value, mod_seq = excluded.mod_seq`,
        mailboxIdOf(change),
        readerOf(name, accountId),
        name,
        value,
        modSeq,
      )
    return { kind: 'written', modSeq }
  },
)

const nothing = { messages: 0, unseen: 0, deleted: 0, bytes: 0, deletedBytes: 0 }

async function nextOfServer(tx: Tx, accountId: number): Promise<number> {
  const row = await tx.get<{ last: number | null }>(
    'SELECT max(mod_seq) AS last FROM mailbox_metadata WHERE mailbox_id = ? AND reader_id = ?',
    serverId,
    accountId,
  )
  return (row?.last ?? 0) + 1
}

async function isTooMuch(tx: Tx, change: MetadataChange): Promise<boolean> {
  const { accountId, entries } = change
  for (const readerId of new Set([...entries.keys()].map(name => readerOf(name, accountId)))) {
    const names = [...entries].filter(([name]) => readerOf(name, accountId) === readerId)
    if (names.every(([, value]) => value === null)) continue
    const found = await tx.all<{ name: string; size: number | null }>(
      'SELECT name, length(value) AS size FROM mailbox_metadata WHERE mailbox_id = ? AND reader_id = ?',
      mailboxIdOf(change),
      readerId,
    )
    // What has been taken away is remembered for a while, for sessions that have not seen it.
    if (found.length > 2 * maxEntries)
      await tx.run(
        'DELETE FROM mailbox_metadata WHERE mailbox_id = ? AND reader_id = ? AND value IS NULL',
        mailboxIdOf(change),
        readerId,
      )
    const sizes = new Map(found.flatMap(({ name, size }) => (size === null ? [] : [[name, size]])))
    let growth = 0
    for (const [name, value] of names) {
      growth += (value?.length ?? 0) - (sizes.get(name) ?? 0)
      if (value) sizes.set(name, value.length)
      else sizes.delete(name)
    }
    if (sizes.size > maxEntries) return true
    if (growth > 0 && (await totalOf(tx, change, readerId)) + growth > maxTotalBytes) return true
  }
  return false
}

async function totalOf(tx: Tx, { mailbox, accountId }: MetadataPlace, readerId: number): Promise<number> {
  const row = await (readerId === everybody
    ? tx.get<{ total: number | null }>(
        `SELECT sum(length(value)) AS total FROM mailbox_metadata
          WHERE reader_id = ? AND mailbox_id IN (SELECT id FROM mailbox WHERE account_id = ?)`,
        everybody,
        mailbox?.accountId ?? accountId,
      )
    : tx.get<{ total: number | null }>(
        'SELECT sum(length(value)) AS total FROM mailbox_metadata WHERE reader_id = ?',
        readerId,
      ))
  return row?.total ?? 0
}

/** Names of what has changed since this mod-sequence of the mailbox, also of what has been taken away. */
export const listChangedMetadata = defineRead(
  'mailbox.list-changed-metadata',
  async (
    tx,
    { since, ...place }: MetadataPlace & { readonly since: number },
  ): Promise<readonly { readonly name: string; readonly modSeq: number }[]> => {
    const rows = await tx.all<{ name: string; mod_seq: number }>(
      `SELECT name, mod_seq FROM mailbox_metadata WHERE mailbox_id = ? AND reader_id IN (?, ?) AND mod_seq > ? ORDER BY name`,
      mailboxIdOf(place),
      everybody,
      place.accountId,
      since,
    )
    return rows.map(({ name, mod_seq: modSeq }) => ({ name, modSeq }))
  },
)
