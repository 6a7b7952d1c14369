// The rows of mail data.

import type { StoredMailData } from './mail-data.ts'
import { defineLookup, defineRead, type Tx } from './operation.ts'

export interface MailDataRow {
  readonly size: number
  readonly checksum: Uint8Array
  readonly bytes: Uint8Array | null
  readonly file_name: string | null
}

/** SQL: of mail data; what stands in its row is measured. */
export const mailDataSize = 'COALESCE(octet_length(mail_data.bytes), mail_data.size)'

interface MailDataAsked {
  readonly id: number
}

export const findMailData = defineLookup<MailDataAsked, MailDataRow>(
  'storage.find-mail-data',
  'SELECT size, checksum, bytes, file_name FROM mail_data WHERE id = ?',
  ({ id }) => [id],
)

/** Without its bytes. */
export const findMailDataPlace = defineLookup<MailDataAsked, Pick<MailDataRow, 'size' | 'file_name'>>(
  'storage.find-mail-data-place',
  'SELECT size, file_name FROM mail_data WHERE id = ?',
  ({ id }) => [id],
)

export interface SmallMailData {
  readonly id: number
  readonly checksum: Uint8Array
  readonly bytes: Uint8Array
}

/** Of these, what stands in its row. */
export const findSmallMailData = defineRead(
  'storage.find-small-mail-data',
  async (tx, { ids }: { readonly ids: readonly number[] }): Promise<readonly SmallMailData[]> => {
    const found = await tx.forAll(ids, id =>
      tx.get<SmallMailData>(
        'SELECT id, checksum, bytes FROM mail_data WHERE id = ? AND bytes IS NOT NULL',
        id,
      ),
    )
    return found.filter(row => row !== undefined)
  },
)

/** Its id, which is a queue id, is taken. */
export async function hasMailData(tx: Tx, id: number): Promise<boolean> {
  return (await tx.get('SELECT 1 AS found FROM mail_data WHERE id = ?', id)) !== undefined
}

/** undefined: it has none, or is not there. */
export async function mailDataFile(tx: Tx, id: number): Promise<string | undefined> {
  const row = await tx.get<Pick<MailDataRow, 'file_name'>>('SELECT file_name FROM mail_data WHERE id = ?', id)
  return row?.file_name ?? undefined
}

export async function insertMailData(tx: Tx, id: number, mailData: StoredMailData): Promise<void> {
  const { location } = mailData
  await tx.run(
    'INSERT INTO mail_data (id, size, checksum, bytes, file_name) VALUES (?, ?, ?, ?, ?)',
    id,
    mailData.size,
    mailData.checksum,
    location.kind === 'inline' ? location.bytes : null,
    location.kind === 'file' ? location.name : null,
  )
}

/** What is kept of mail data that was read: structures, words (docs/adr/0031, docs/adr/0035). Of relayed mail there is nothing. */
const readings = ['message_structure', 'structure_wanted', 'indexed_message', 'words_wanted'] as const

const removeUnreferenced = `DELETE FROM mail_data WHERE id = ?
   AND NOT EXISTS (SELECT 1 FROM mailbox_message WHERE mail_data_id = mail_data.id)
   AND NOT EXISTS (SELECT 1 FROM expunged_message WHERE mail_data_id = mail_data.id)
   AND NOT EXISTS (SELECT 1 FROM queue_message WHERE queue_message.id = mail_data.id)
   AND NOT EXISTS (SELECT 1 FROM quarantined WHERE quarantined.id = mail_data.id)
 RETURNING file_name,
   CASE WHEN ${readings.map(table => `EXISTS (SELECT 1 FROM ${table} WHERE mail_data_id = mail_data.id)`).join(' OR ')} THEN 1 ELSE 0 END AS was_read`

/** Removes mail data to which nothing refers: no queue, no quarantine, no mailbox, and nothing that has left one lately; returns its file, to be discarded after the commit. */
export async function removeUnreferencedMailData(tx: Tx, id: number): Promise<string | undefined> {
  // Two who take away the last two references must not each take the other's for one that stays.
  await tx.lockRow('mail_data', id)
  const removed = await tx.get<{ file_name: string | null; was_read: number }>(removeUnreferenced, id)
  if (removed?.was_read === 1) await removeReadings(tx, id)
  return removed?.file_name ?? undefined
}

async function removeReadings(tx: Tx, id: number): Promise<void> {
  const indexed = await tx.all<{ id: number }>('SELECT id FROM indexed_message WHERE mail_data_id = ?', id)
  for (const { id: indexedAs } of indexed) await tx.words.remove(indexedAs)
  for (const table of readings) await tx.run(`DELETE FROM ${table} WHERE mail_data_id = ?`, id)
}

export const isMailDataFileNamed = defineRead(
  'storage.is-mail-data-file-named',
  async (tx, input: { readonly name: string }) =>
    (await tx.get('SELECT 1 AS found FROM mail_data WHERE file_name = ?', input.name)) !== undefined,
)
