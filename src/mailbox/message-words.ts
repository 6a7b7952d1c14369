// The index of the words of messages (docs/adr/0035): written behind delivery, asked by sessions.
import type { WordQuery } from '../message/words/sought-text.ts'
import { wantAllWords } from '../storage/migrations/0030-message-words.ts'
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import { idsPerScope } from '../storage/word-index.ts'
import { lockAccounts, type OpenMailbox } from './mailbox-row.ts'

/** Inside the transaction that files it. */
export async function wantWords(tx: Tx, mailDataId: number, accountId: number): Promise<void> {
  await tx.run(
    `INSERT INTO words_wanted (mail_data_id, account_id)
       SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM indexed_message WHERE mail_data_id = ? AND account_id = ?)
     ON CONFLICT (mail_data_id, account_id) DO NOTHING`,
    mailDataId,
    accountId,
    mailDataId,
    accountId,
  )
}

/** The same for what has come from another account's mailbox. */
export async function wantWordsFrom(
  tx: Tx,
  { mailboxId, accountId, firstUid }: Omit<OpenMailbox, 'uidValidity'> & { readonly firstUid: number },
): Promise<void> {
  await tx.run(
    `INSERT INTO words_wanted (mail_data_id, account_id)
       SELECT DISTINCT mail_data_id, CAST(? AS BIGINT) FROM mailbox_message
        WHERE mailbox_id = ? AND uid >= ? AND NOT EXISTS (SELECT 1 FROM indexed_message
          WHERE indexed_message.mail_data_id = mailbox_message.mail_data_id AND account_id = ?)
     ON CONFLICT (mail_data_id, account_id) DO NOTHING`,
    accountId,
    mailboxId,
    firstUid,
    accountId,
  )
}

export interface KeptWords {
  readonly mailDataId: number
  /** Terms with a space between them; empty: there are none, or it cannot be read, so nobody need try again. */
  readonly words: string
}

/** For each account that wants them. */
export async function putWords(tx: Tx, messages: readonly KeptWords[]): Promise<void> {
  const accounts = await tx.forAll(messages, ({ mailDataId }) => findWanting(tx, mailDataId))
  const wanted = messages.flatMap((message, at) =>
    (accounts[at] ?? []).map(accountId => ({ ...message, accountId })),
  )
  if (wanted.length === 0) return
  await lockAccounts(tx, ...wanted.map(({ accountId }) => accountId))
  // They may have gone meanwhile, and two may have read them.
  const states = await tx.forAll(wanted, ({ mailDataId, accountId }) =>
    isToBeIndexed(tx, mailDataId, accountId),
  )
  const missing = wanted.filter((_, at) => states[at])
  // Ids ascend: what is added in another order takes a segment each.
  missing.sort((a, b) => a.accountId - b.accountId)
  const holders = [...new Set(missing.map(({ accountId }) => accountId))]
  const lastIds = new Map(
    await tx.forAll(holders, async accountId => [accountId, await lastIdOf(tx, accountId)] as const),
  )
  await tx.forAll(missing, async ({ mailDataId, accountId, words }) => {
    const id = (lastIds.get(accountId) ?? 0) + 1
    lastIds.set(accountId, id)
    await tx.run(
      'INSERT INTO indexed_message (id, account_id, mail_data_id) VALUES (?, ?, ?)',
      id,
      accountId,
      mailDataId,
    )
    await tx.words.add(id, words)
  })
  // Not more than have been looked at: another account may just be getting the message.
  await tx.forAll(wanted, ({ mailDataId, accountId }) =>
    tx.run('DELETE FROM words_wanted WHERE mail_data_id = ? AND account_id = ?', mailDataId, accountId),
  )
  await tx.words.tidy()
}

async function findWanting(tx: Tx, mailDataId: number): Promise<readonly number[]> {
  const rows = await tx.all<{ account_id: number }>(
    'SELECT account_id FROM words_wanted WHERE mail_data_id = ?',
    mailDataId,
  )
  return rows.map(row => row.account_id)
}

async function isToBeIndexed(tx: Tx, mailDataId: number, accountId: number): Promise<boolean> {
  const row = await tx.get<{ there: number; indexed: number }>(
    `SELECT (SELECT count(*) FROM mail_data WHERE id = ?) AS there,
       (SELECT count(*) FROM indexed_message WHERE mail_data_id = ? AND account_id = ?) AS indexed`,
    mailDataId,
    mailDataId,
    accountId,
  )
  return row?.there === 1 && row.indexed === 0
}

async function lastIdOf(tx: Tx, accountId: number): Promise<number> {
  const row = await tx.get<{ last: number | null }>(
    'SELECT max(id) AS last FROM indexed_message WHERE id BETWEEN ? AND ?',
    accountId * idsPerScope,
    (accountId + 1) * idsPerScope - 1,
  )
  return row?.last ?? accountId * idsPerScope
}

export interface WordsSought extends OpenMailbox {
  readonly query: WordQuery
  /** The last page was full: what comes behind its last id. */
  readonly after: number | undefined
  readonly limit: number
}

export interface WordsFound {
  /** In no order. */
  readonly uids: readonly number[]
  /** undefined: there is no more. */
  readonly next: number | undefined
}

/** A page of the messages of the account that fit: of them, those of the mailbox. */
export const findWords = defineRead(
  'mailbox.find-words',
  async (tx, { accountId, mailboxId, query, after, limit }: WordsSought): Promise<WordsFound> => {
    await tx.words.prepare()
    const rows = await tx.all<{ id: number; uid: number | null }>(
      `SELECT found.id, uid FROM (${tx.words.matching}) AS found
         JOIN indexed_message ON indexed_message.id = found.id
         LEFT JOIN mailbox_message ${tx.byIndex('mailbox_message_mail_data')}
           ON mailbox_message.mail_data_id = indexed_message.mail_data_id AND mailbox_id = ?
        ORDER BY found.id`,
      tx.words.formatQuery(query, accountId),
      after ?? accountId * idsPerScope,
      (accountId + 1) * idsPerScope,
      limit,
      mailboxId,
    )
    const last = rows.at(-1)
    return {
      uids: rows.flatMap(({ uid }) => uid ?? []),
      // A message may be twice in a mailbox, and is then two rows.
      next: last && rows.length >= limit ? last.id : undefined,
    }
  },
)

/**
 * The messages of a mailbox that are not in the index: of a page of what all accounts want. Whoever searches goes through all that is
 * wanted, a million in some 80 ms, and others of his thread between two pages. To be asked before the index is.
 */
export const findUnindexed = defineRead(
  'mailbox.find-unindexed',
  async (
    tx,
    { accountId, mailboxId, after = -1, limit }: Omit<WordsSought, 'query'>,
  ): Promise<WordsFound> => {
    const end = await tx.get<{ id: number }>(
      'SELECT mail_data_id AS id FROM words_wanted WHERE mail_data_id > ? ORDER BY mail_data_id LIMIT 1 OFFSET ?',
      after,
      limit,
    )
    const rows = await tx.all<{ uid: number }>(
      `SELECT uid FROM (SELECT mail_data_id FROM words_wanted
          WHERE mail_data_id > ? AND mail_data_id <= ? AND account_id = ?) AS wanted
         JOIN mailbox_message ${tx.byIndex('mailbox_message_mail_data')}
           ON mailbox_message.mail_data_id = wanted.mail_data_id AND mailbox_id = ?`,
      after,
      end?.id ?? Number.MAX_SAFE_INTEGER,
      accountId,
      mailboxId,
    )
    return { uids: rows.map(({ uid }) => uid), next: end?.id }
  },
)

/** Has everything indexed anew, by the server that runs or at its next start; resolves with how many messages. */
export const indexAnew = defineWrite('mailbox.index-anew', async (tx): Promise<number> => {
  await tx.words.clear()
  for (const table of ['indexed_message', 'words_wanted']) await tx.run(`DELETE FROM ${table}`)
  tx.wake('mailbox', 0)
  return (await tx.run(wantAllWords)).changes
})
