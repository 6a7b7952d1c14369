// Looks for damage in a data folder: the database, each message's bytes, and what refers to what.

import { join } from 'node:path'
import type { MailDataStore } from './mail-data.ts'
import { listMailDataFiles } from './mail-data-files.ts'
import { isMailDataFileNamed } from './mail-data-rows.ts'
import { readSchemaVersion, schemaVersion } from './migrate.ts'
import { defineRead, type Storage, type Tx } from './operation.ts'
import { findSchemaDamage } from './schema-damage.ts'
import { databaseFileName, SqliteConnection } from './sqlite-connection.ts'
import { SqliteReader } from './sqlite-reader.ts'
import { StorageFault, toStorageFault } from './storage-fault.ts'
import { assertMoveFinished } from './unfinished-move.ts'

export interface StorageFinding {
  /** 'schema': another version of Postrider wrote it, so nothing was looked at. */
  readonly kind: 'schema' | 'database' | 'mail-data' | 'reference' | 'row' | 'orphan'
  /** One sentence: what is wrong. */
  readonly problem: string
  readonly remedy: string
}

export interface VerifyProgress {
  readonly done: number
  readonly total: number
}

const pageRows = 500

/**
 * Reads everything, changes nothing, in bounded memory; a server may run meanwhile. `verifyRows` looks into the rows of
 * the layers above.
 */
export async function verifyStorage(
  folder: string,
  createMailData: (reader: SqliteReader) => MailDataStore,
  verifyRows: (reader: SqliteReader) => Promise<readonly StorageFinding[]>,
  onProgress: (progress: VerifyProgress) => void = () => {},
): Promise<StorageFinding[]> {
  let connection: SqliteConnection | undefined
  let reader: SqliteReader | undefined
  try {
    connection = new SqliteConnection(folder, 'reader')
    reader = new SqliteReader(folder)
    await assertMoveFinished(connection, folder)
    const version = await readSchemaVersion(connection)
    if (version !== schemaVersion) return [otherVersion(connection.file, version)]
    const schemaDamage = await verifySchema(connection)
    // Whatever reads rows would fail on what is missing.
    if (schemaDamage.length > 0) return [...schemaDamage, ...(await verifyDatabase(connection))]
    return [
      ...(await verifyDatabase(connection)),
      ...(await verifyRecords(reader, createMailData(reader), verifyRows, onProgress)),
      ...(await verifyFiles(folder, reader)),
    ]
  } catch (cause) {
    const fault = toStorageFault(cause, join(folder, databaseFileName))
    if (fault instanceof StorageFault && fault.code === 'STORAGE_DAMAGED') {
      const reason = cause instanceof Error && !(cause instanceof StorageFault) ? ` (${cause.message})` : ''
      return [{ kind: 'database', problem: `The database is damaged${reason}.`, remedy: restore }]
    }
    throw fault
  } finally {
    reader?.close()
    connection?.close()
  }
}

/** What any engine can be asked: what refers to what, and each message's bytes. */
export async function verifyRecords<Reader extends Pick<Storage, 'run'>>(
  reader: Reader,
  mailData: MailDataStore,
  verifyRows: (reader: Reader) => Promise<readonly StorageFinding[]>,
  onProgress: (progress: VerifyProgress) => void = () => {},
): Promise<StorageFinding[]> {
  return [
    ...(await verifyReferences(reader)),
    ...(await verifyRows(reader)),
    ...(await verifyMailData(reader, mailData, onProgress)),
  ]
}

function otherVersion(file: string, version: number): StorageFinding {
  const versions = `schema ${version}; this version knows ${schemaVersion}`
  return version > schemaVersion
    ? {
        kind: 'schema',
        problem: `${file} was written by a newer version of Postrider (${versions}).`,
        remedy: 'Install that version again, and repeat this with it.',
      }
    : {
        kind: 'schema',
        problem: `${file} was written by an older version of Postrider (${versions}).`,
        remedy: 'Start the server once, which brings it up to date, and repeat this.',
      }
}

const restore = 'Restore the data folder from a backup; keep a copy of the damaged one.'

async function verifySchema(tx: Tx): Promise<StorageFinding[]> {
  return (await findSchemaDamage(tx)).map(problem => ({ kind: 'database', problem, remedy: restore }))
}

async function verifyDatabase(tx: Tx): Promise<StorageFinding[]> {
  const rows = await tx.all<{ integrity_check: string }>('PRAGMA integrity_check(100)')
  return rows
    .filter(row => row.integrity_check !== 'ok')
    .map(({ integrity_check: found }) =>
      // "malformed inverted index for FTS5 table main.message_words"
      /\bfts5\b.*\bmessage_words\b/i.test(found)
        ? {
            kind: 'database',
            problem: `The index of words is damaged: ${found}.`,
            remedy: 'Nothing of the messages is lost: "postrider repair --words" makes it anew.',
          }
        : { kind: 'database', problem: `The database is damaged: ${found}.`, remedy: restore },
    )
}

interface Dangling {
  readonly what: string
  readonly id: number
}

const findDangling = defineRead(
  'storage.find-dangling',
  async (tx): Promise<Dangling[]> =>
    await tx.all<Dangling>(`
    SELECT 'The queued message' AS what, id FROM queue_message WHERE mail_data_id NOT IN (SELECT id FROM mail_data)
    UNION ALL
    SELECT 'The mailbox message', id FROM mailbox_message WHERE mail_data_id NOT IN (SELECT id FROM mail_data)
    UNION ALL
    SELECT 'The expunged message', id FROM expunged_message WHERE mail_data_id NOT IN (SELECT id FROM mail_data)
    UNION ALL
    SELECT 'The quarantined message', id FROM quarantined WHERE id NOT IN (SELECT id FROM mail_data)
    UNION ALL
    SELECT 'The queued recipient', id FROM queue_recipient WHERE message_id NOT IN (SELECT id FROM queue_message)
    UNION ALL
    SELECT 'The mailbox message', id FROM mailbox_message WHERE mailbox_id NOT IN (SELECT id FROM mailbox)
    LIMIT 1000`),
)

async function verifyReferences(reader: Pick<Storage, 'run'>): Promise<StorageFinding[]> {
  return (await reader.run(findDangling, undefined)).map(({ what, id }) => ({
    kind: 'reference',
    problem: `${what} with row id ${id} refers to something that is not there.`,
    remedy: restore,
  }))
}

const countMailData = defineRead(
  'storage.count-mail-data',
  async tx => (await tx.get<{ count: number }>('SELECT count(*) AS count FROM mail_data'))?.count ?? 0,
)

const listMailDataIds = defineRead(
  'storage.list-mail-data-ids',
  async (tx, input: { readonly after: number }) =>
    await tx.all<{ id: number }>(
      'SELECT id FROM mail_data WHERE id > ? ORDER BY id LIMIT ?',
      input.after,
      pageRows,
    ),
)

interface Place {
  readonly uid: number
  readonly name: string
  readonly address: string
}

const findPlaces = defineRead(
  'storage.find-places-of-mail-data',
  async (tx, { id }: { readonly id: number }) =>
    await tx.all<Place>(
      `SELECT uid, mailbox.name, account.address FROM mailbox_message JOIN mailbox ON mailbox.id = mailbox_id
        JOIN account ON account.id = mailbox.account_id WHERE mail_data_id = ? ORDER BY mailbox_message.id LIMIT 10`,
      id,
    ),
)

async function verifyMailData(
  reader: Pick<Storage, 'run'>,
  mailData: MailDataStore,
  onProgress: (progress: VerifyProgress) => void,
): Promise<StorageFinding[]> {
  const findings: StorageFinding[] = []
  const total = await reader.run(countMailData, undefined)
  let done = 0
  for (let after = 0; ; ) {
    const page = await reader.run(listMailDataIds, { after })
    for (const { id } of page) {
      const problem = await readThrough(mailData, id)
      if (problem !== undefined) {
        const places = (await reader.run(findPlaces, { id })).map(
          ({ uid, name, address }) => ` It is UID ${uid} in ${name} of ${address}.`,
        )
        findings.push({
          kind: 'mail-data',
          problem: problem + places.join(''),
          remedy: 'Restore this file or row from a backup.',
        })
      }
      onProgress({ done: ++done, total })
    }
    const last = page.at(-1)
    if (!last) return findings
    after = last.id
  }
}

async function readThrough(mailData: MailDataStore, id: number): Promise<string | undefined> {
  try {
    for await (const _ of mailData.read(id));
    return undefined
  } catch (cause) {
    if (cause instanceof StorageFault) return cause.message
    const { code, path } = cause as NodeJS.ErrnoException
    if (code === undefined) throw cause
    return `Mail data ${id} cannot be read from ${path ?? 'its file'}: ${code}.`
  }
}

async function verifyFiles(folder: string, reader: SqliteReader): Promise<StorageFinding[]> {
  const findings: StorageFinding[] = []
  for await (const name of listMailDataFiles(folder)) {
    if (await reader.run(isMailDataFileNamed, { name })) continue
    findings.push({
      kind: 'orphan',
      problem: `The file mail/${name} belongs to no message.`,
      remedy:
        'None needed: a crash left it, or it is being received now; the server moves it aside at its next start.',
    })
  }
  return findings
}
