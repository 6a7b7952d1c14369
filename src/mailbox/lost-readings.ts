// What has been read of messages in mailboxes (message-readings.ts) and is not there any more: found, and wanted again.
import { mailDataSize } from '../storage/mail-data-rows.ts'
import { defineRead, defineWrite, type Storage, type Tx } from '../storage/operation.ts'
import {
  findPage,
  type MessagePage,
  noPage,
  type PageCount,
  type PageStart,
  throughPages,
} from './message-pages.ts'
import { wantWords } from './message-words.ts'
import type { MailboxScope } from './named-mailboxes.ts'
import { isStructureOf, wantStructure } from './structures.ts'

export type Reading = 'structures' | 'words'

export interface ReadingsPage extends PageStart {
  readonly reading: Reading
}

const countLost = defineRead(
  'mailbox.count-lost-readings',
  async (tx, { reading, ...start }: ReadingsPage): Promise<PageCount> => {
    const page = await findPage(tx, start)
    if (!page) return noPage
    const lost = reading === 'words' ? await findWordless(tx, page, 'lost') : await findUnstructured(tx, page)
    return { count: lost.length, next: page.end }
  },
)

/** Those that are lost, or all: they are read by the server that runs, or at its next start. */
export const wantReadings = defineWrite(
  'mailbox.want-readings',
  async (tx, { reading, which, ...start }: ReadingsPage & { readonly which: Which }): Promise<PageCount> => {
    const page = await findPage(tx, start)
    if (!page) return noPage
    const count = reading === 'words' ? await wantWordsOf(tx, page, which) : await wantStructuresOf(tx, page)
    if (count > 0) tx.wake('mailbox', 0)
    return { count, next: page.end }
  },
)

type Which = 'lost' | 'all'

interface InAccount {
  readonly mail_data_id: number
  readonly account_id: number
}

/** Messages that no search by words finds, and that nobody is about to index. */
async function findWordless(tx: Tx, page: MessagePage, which: Which): Promise<readonly InAccount[]> {
  const lost = `
    AND NOT EXISTS (SELECT 1 FROM indexed_message JOIN (${tx.words.ids}) AS kept ON kept.id = indexed_message.id
      WHERE indexed_message.mail_data_id = mailbox_message.mail_data_id
        AND indexed_message.account_id = mailbox.account_id)
    AND NOT EXISTS (SELECT 1 FROM words_wanted
      WHERE words_wanted.mail_data_id = mailbox_message.mail_data_id AND words_wanted.account_id = mailbox.account_id)`
  return await tx.all<InAccount>(
    `SELECT DISTINCT mail_data_id, account_id FROM ${page.table} JOIN mailbox ON mailbox.id = mailbox_id
      WHERE ${page.where} ${which === 'lost' ? lost : ''}`,
    ...page.values,
  )
}

async function wantWordsOf(tx: Tx, page: MessagePage, which: Which): Promise<number> {
  const rows = await findWordless(tx, page, which)
  await tx.forAll(rows, async ({ mail_data_id: mailDataId, account_id: accountId }) => {
    const indexed = await tx.get<{ id: number }>(
      'DELETE FROM indexed_message WHERE mail_data_id = ? AND account_id = ? RETURNING id',
      mailDataId,
      accountId,
    )
    if (indexed) await tx.words.remove(indexed.id)
    await wantWords(tx, mailDataId, accountId)
  })
  return rows.length
}

/** A page of larger ones would be too much at once: they are taken for what they should be. */
const maxStructureBytes = 64 * 1024

/** The ids of mail data whose structure is not there, or not theirs, and that nobody is about to read. */
async function findUnstructured(tx: Tx, page: MessagePage): Promise<readonly number[]> {
  const rows = await tx.all<{ id: number; size: number; bytes: number | null; structure: string | null }>(
    `SELECT mail_data.id, ${mailDataSize} AS size, octet_length(structure) AS bytes,
            CASE WHEN octet_length(structure) <= ? THEN structure END AS structure
       FROM mail_data LEFT JOIN message_structure ON message_structure.mail_data_id = mail_data.id
      WHERE mail_data.id IN (SELECT mail_data_id FROM ${page.table} WHERE ${page.where})
        AND NOT EXISTS (SELECT 1 FROM structure_wanted WHERE structure_wanted.mail_data_id = mail_data.id)`,
    maxStructureBytes,
    ...page.values,
  )
  const isThere = ({ size, bytes, structure }: (typeof rows)[number]): boolean =>
    structure === null ? bytes !== null : isStructureOf(structure, size)
  return rows.flatMap(row => (isThere(row) ? [] : [row.id]))
}

async function wantStructuresOf(tx: Tx, page: MessagePage): Promise<number> {
  const ids = await findUnstructured(tx, page)
  await tx.forAll(ids, async id => {
    await tx.run('DELETE FROM message_structure WHERE mail_data_id = ?', id)
    await wantStructure(tx, id)
  })
  return ids.length
}

/** How many messages of the scope, else of all, have lost what was read of them. */
export async function countLostReadings(
  storage: Pick<Storage, 'run'>,
  reading: Reading,
  scope?: MailboxScope,
): Promise<number> {
  return await throughPages({ scope }, start => storage.run(countLost, { reading, ...start }))
}

/**
 * Has them read again, by the server that runs or at its next start; resolves with how many. `after`: those whose mail data have a
 * greater id.
 */
export async function restoreReadings(
  storage: Pick<Storage, 'run'>,
  reading: Reading,
  extent: { readonly scope?: MailboxScope | undefined; readonly after?: number } = {},
): Promise<number> {
  return await throughPages(extent, async start => {
    const page = await storage.run(countLost, { reading, ...start })
    // A write is what others wait for.
    return page.count === 0 ? page : await storage.run(wantReadings, { reading, which: 'lost', ...start })
  })
}

/** The same for all messages of the scope, in whatever state their words are. */
export async function indexScopeAnew(storage: Pick<Storage, 'run'>, scope: MailboxScope): Promise<number> {
  return await throughPages({ scope }, start =>
    storage.run(wantReadings, { reading: 'words', which: 'all', ...start }),
  )
}
