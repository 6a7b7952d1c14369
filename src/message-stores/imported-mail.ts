// Mail that comes from another message store: put into a mailbox, and remembered, in one transaction, so that none comes twice.
//
// Its ids are none that a queue id maker makes (src/queue/queue-id.ts): they count from 1, which as a time lies before the first
// server ran. So whoever imports needs no space of ids beside those of the servers, and takes none from them.
import { insertMessages } from '../mailbox/file-message.ts'
import { findOpenMailbox, lockAccounts, type OpenMailbox } from '../mailbox/mailbox-row.ts'
import { firstQueueIdAt } from '../queue/queue-id.ts'
import type { StoredMailData } from '../storage/mail-data.ts'
import { insertMailData } from '../storage/mail-data-rows.ts'
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'

/** Whether a message with this id came so. */
export function isImportedId(id: number): boolean {
  return id < firstQueueIdAt(Date.UTC(2025, 0, 1))
}

export interface ImportedFolder {
  readonly accountId: number
  /** Of the store. */
  readonly store: string
  readonly name: string
  readonly generation: string
}

/** Its id; made when there is none. */
export const openImportedFolder = defineWrite(
  'message-stores.open-folder',
  async (tx, { accountId, store, name, generation }: ImportedFolder): Promise<number> => {
    await lockAccounts(tx, accountId)
    const storeId =
      (await idOf(tx, 'SELECT id FROM import_store WHERE account_id = ? AND name = ?', accountId, store)) ??
      (await idOf(
        tx,
        'INSERT INTO import_store (account_id, name) VALUES (?, ?) RETURNING id',
        accountId,
        store,
      )) ??
      0
    const found = await idOf(
      tx,
      'SELECT id FROM import_folder WHERE store_id = ? AND name = ? AND generation = ?',
      storeId,
      name,
      generation,
    )
    const id =
      found ??
      (await idOf(
        tx,
        'INSERT INTO import_folder (store_id, name, generation) VALUES (?, ?, ?) RETURNING id',
        storeId,
        name,
        generation,
      ))
    if (id === undefined) throw new Error('INSERT … RETURNING gave no row')
    return id
  },
)

/** undefined: nothing has come from it. */
export const findImportedFolder = defineRead(
  'message-stores.find-folder',
  async (tx, { accountId, store, name, generation }: ImportedFolder): Promise<number | undefined> =>
    await idOf(
      tx,
      `SELECT import_folder.id FROM import_folder JOIN import_store ON import_store.id = store_id
        WHERE account_id = ? AND import_store.name = ? AND import_folder.name = ? AND generation = ?`,
      accountId,
      store,
      name,
      generation,
    ),
)

async function idOf(
  tx: Tx,
  sql: string,
  ...values: readonly (string | number)[]
): Promise<number | undefined> {
  return (await tx.get<{ id: number }>(sql, ...values))?.id
}

/** Those of `keys` that have come. */
export const findImported = defineRead(
  'message-stores.find-imported',
  async (
    tx,
    { folderId, keys }: { readonly folderId: number; readonly keys: readonly string[] },
  ): Promise<ReadonlySet<string>> => await findRemembered(tx, folderId, keys),
)

export interface ArrivingMail {
  readonly key: string
  readonly mailData: StoredMailData
  /** Bits as in message-state.ts. */
  readonly flags: number
  readonly keywords: readonly string[]
  readonly receivedAt: number
  /** UIDs of messages in the mailbox that are the same, octet by octet. */
  readonly same: readonly number[]
}

export interface Importing {
  readonly folderId: number
  readonly to: OpenMailbox
  readonly messages: readonly ArrivingMail[]
  readonly now: number
}

/**
 * 'there': the mailbox has one that is the same, which no other message of this folder is taken for; so a folder with two equal
 * messages has two in the mailbox too. 'known': it has come meanwhile, by another import.
 */
export type Arrived = 'brought' | 'there' | 'known'

/** For each message, in order; or 'gone': the mailbox is not there any more, and nothing has happened. */
export const importMessages = defineWrite(
  'message-stores.import',
  async (tx, { folderId, to, messages, now }: Importing): Promise<readonly Arrived[] | 'gone'> => {
    await lockAccounts(tx, to.accountId)
    const mailbox = await findOpenMailbox(tx, to)
    if (!mailbox) return 'gone'
    const remember = async (key: string, uid: number): Promise<void> => {
      await tx.run(
        'INSERT INTO imported_message (folder_id, message, mailbox_id, uid) VALUES (?, ?, ?, ?)',
        folderId,
        key,
        mailbox.id,
        uid,
      )
    }
    const known = await findRemembered(
      tx,
      folderId,
      messages.map(({ key }) => key),
    )
    const outcomes: Arrived[] = []
    const coming: ArrivingMail[] = []
    for (const message of messages) {
      if (known.has(message.key)) {
        outcomes.push('known')
        continue
      }
      const uid = await findUnclaimed(tx, folderId, mailbox.id, message.same)
      if (uid === undefined) coming.push(message)
      else await remember(message.key, uid)
      outcomes.push(uid === undefined ? 'brought' : 'there')
    }
    if (coming.length === 0) return outcomes
    const firstId = (await takeIds(tx, coming.length)) - coming.length + 1
    const arrivals = coming.map(({ mailData, flags, keywords, receivedAt }, at) => ({
      queueId: firstId + at,
      mailData,
      traceFields: '',
      receivedAt,
      flags,
      keywords,
    }))
    await tx.forAll(arrivals, ({ queueId, mailData }) => insertMailData(tx, queueId, mailData))
    const { firstUid } = await insertMessages(tx, mailbox, now, arrivals)
    await tx.forAll([...coming.entries()], ([at, { key }]) => remember(key, firstUid + at))
    return outcomes
  },
)

/** Those of `keys` that have come. */
async function findRemembered(
  tx: Tx,
  folderId: number,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = await tx.forAll(keys, key =>
    tx.get('SELECT 1 AS found FROM imported_message WHERE folder_id = ? AND message = ?', folderId, key),
  )
  return new Set(keys.filter((_, at) => found[at] !== undefined))
}

async function findUnclaimed(
  tx: Tx,
  folderId: number,
  mailboxId: number,
  uids: readonly number[],
): Promise<number | undefined> {
  for (const uid of uids) {
    const claimed = await tx.get(
      'SELECT 1 AS found FROM imported_message WHERE folder_id = ? AND mailbox_id = ? AND uid = ?',
      folderId,
      mailboxId,
      uid,
    )
    const isThere =
      !claimed &&
      (await tx.get(
        'SELECT 1 AS found FROM mailbox_message WHERE mailbox_id = ? AND uid = ?',
        mailboxId,
        uid,
      ))
    if (isThere) return uid
  }
  return undefined
}

/** The last of them. */
async function takeIds(tx: Tx, count: number): Promise<number> {
  const row = await tx.get<{ last: number }>(
    `INSERT INTO imported_id (id, last) VALUES (1, ?)
       ON CONFLICT (id) DO UPDATE SET last = imported_id.last + excluded.last RETURNING last`,
    count,
  )
  if (!row) throw new Error('INSERT … RETURNING gave no row')
  return row.last
}

export const importedMailOperations = [
  findImported,
  findImportedFolder,
  importMessages,
  openImportedFolder,
] as const
