// Looks for damage in a data folder: the database, each message's bytes, and what refers to what.

import { join } from 'node:path'
import type { MailDataStore } from './mail-data.ts'
import { listMailDataFiles } from './mail-data-files.ts'
import { findMailData, isMailDataFileNamed } from './mail-data-rows.ts'
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

/** What is looked at. */
export interface VerifyScope {
  /** Into the rows of the layers above. */
  readonly verifyRows: () => Promise<readonly StorageFinding[]>
  /** Default: everything that is stored. */
  readonly part?: StoredPart | undefined
}

/** What one account has, or some of it: nothing else is read. */
export interface StoredPart {
  readonly accountId: number
  /** Of what is to be read, about. */
  readonly total: number
  readonly mailData: MailDataPages
}

/** Rows that are there. */
export type MailDataPages = AsyncIterable<readonly { readonly id: number; readonly size: number }[]>

/** Rejects where there is no such part. */
export type OpenScope<Reader> = (reader: Reader) => Promise<VerifyScope>

export interface VerifyReport {
  readonly findings: readonly StorageFinding[]
  /** What has been read. */
  readonly messages: number
  readonly bytes: number
}

const pageRows = 500

/** Changes nothing, in bounded memory; a server may run meanwhile. */
export async function verifyStorage(
  folder: string,
  createMailData: (reader: SqliteReader) => MailDataStore,
  openScope: OpenScope<SqliteReader>,
  onProgress: (progress: VerifyProgress) => void = () => {},
): Promise<VerifyReport> {
  let connection: SqliteConnection | undefined
  let reader: SqliteReader | undefined
  try {
    connection = new SqliteConnection(folder, 'reader')
    reader = new SqliteReader(folder)
    await assertMoveFinished(connection, folder)
    const version = await readSchemaVersion(connection)
    if (version !== schemaVersion) return unread([otherVersion(connection.file, version)])
    const schemaDamage = await verifySchema(connection)
    // Whatever reads rows would fail on what is missing.
    if (schemaDamage.length > 0) return unread([...schemaDamage, ...(await verifyDatabase(connection))])
    const scope = await openScope(reader)
    const database = scope.part ? [] : await verifyDatabase(connection)
    const records = await verifyRecords(reader, createMailData(reader), scope, onProgress)
    const files = scope.part ? [] : await verifyFiles(folder, reader)
    return { ...records, findings: [...database, ...records.findings, ...files] }
  } catch (cause) {
    const fault = toStorageFault(cause, join(folder, databaseFileName))
    if (fault instanceof StorageFault && fault.code === 'STORAGE_DAMAGED') {
      const reason = cause instanceof Error && !(cause instanceof StorageFault) ? ` (${cause.message})` : ''
      return unread([{ kind: 'database', problem: `The database is damaged${reason}.`, remedy: restore }])
    }
    throw fault
  } finally {
    reader?.close()
    connection?.close()
  }
}

function unread(findings: readonly StorageFinding[]): VerifyReport {
  return { findings, messages: 0, bytes: 0 }
}

/** What any engine can be asked: what refers to what, and each message's bytes. */
export async function verifyRecords(
  reader: Pick<Storage, 'run'>,
  mailData: MailDataStore,
  { verifyRows, part }: VerifyScope,
  onProgress: (progress: VerifyProgress) => void = () => {},
): Promise<VerifyReport> {
  const references = part ? [] : await verifyReferences(reader)
  const rows = await verifyRows()
  const read = await verifyMailData(reader, mailData, part, onProgress)
  return { ...read, findings: [...references, ...rows, ...read.findings] }
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

export const restore = 'Restore the data folder from a backup; keep a copy of the damaged one.'

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
    SELECT 'The expunged message', id FROM expunged_message WHERE mail_data_id NOT IN (SELECT id FROM mail_data)
    UNION ALL
    SELECT 'The quarantined message', id FROM quarantined WHERE id NOT IN (SELECT id FROM mail_data)
    UNION ALL
    SELECT 'The queued recipient', id FROM queue_recipient WHERE message_id NOT IN (SELECT id FROM queue_message)
    UNION ALL
    SELECT 'The mailbox message', id FROM mailbox_message WHERE mailbox_id NOT IN (SELECT id FROM mailbox)
    UNION ALL
    SELECT 'The mailbox', id FROM mailbox WHERE account_id NOT IN (SELECT id FROM account)
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

const listMailData = defineRead(
  'storage.list-mail-data',
  async (tx, input: { readonly after: number }) =>
    await tx.all<{ id: number; size: number }>(
      'SELECT id, size FROM mail_data WHERE id > ? ORDER BY id LIMIT ?',
      input.after,
      pageRows,
    ),
)

async function* allMailData(reader: Pick<Storage, 'run'>): MailDataPages {
  for (let after = 0; ; ) {
    const page = await reader.run(listMailData, { after })
    const last = page.at(-1)
    if (!last) return
    yield page
    after = last.id
  }
}

interface Place {
  readonly uid: number
  readonly name: string
  readonly address: string
}

const findPlaces = defineRead(
  'storage.find-places-of-mail-data',
  async (tx, { id, accountId }: { readonly id: number; readonly accountId: number | undefined }) =>
    await tx.all<Place>(
      `SELECT uid, mailbox.name, account.address FROM mailbox_message JOIN mailbox ON mailbox.id = mailbox_id
        JOIN account ON account.id = mailbox.account_id
       WHERE mail_data_id = ? AND account.id = COALESCE(?, account.id) ORDER BY mailbox_message.id LIMIT 10`,
      id,
      accountId ?? null,
    ),
)

async function verifyMailData(
  reader: Pick<Storage, 'run'>,
  mailData: MailDataStore,
  part: StoredPart | undefined,
  onProgress: (progress: VerifyProgress) => void,
): Promise<VerifyReport> {
  const findings: StorageFinding[] = []
  const total = part?.total ?? (await reader.run(countMailData, undefined))
  let [done, bytes] = [0, 0]
  for await (const page of part?.mailData ?? allMailData(reader))
    for (const { id, size } of page) {
      const read = await readThrough(mailData, id, size)
      bytes += read.bytes
      // What has left meanwhile is no damage.
      if (read.problem !== undefined && (await reader.run(findMailData, { id }))) {
        const places = (await reader.run(findPlaces, { id, accountId: part?.accountId })).map(
          ({ uid, name, address }) => ` It is UID ${uid} in ${name} of ${address}.`,
        )
        findings.push({
          kind: 'mail-data',
          problem: read.problem + places.join(''),
          remedy: 'Restore this file or row from a backup.',
        })
      }
      onProgress({ done: ++done, total })
    }
  return { findings, messages: done, bytes }
}

interface Reading {
  readonly bytes: number
  /** undefined: it is as it was written. */
  readonly problem: string | undefined
}

async function readThrough(mailData: MailDataStore, id: number, size: number): Promise<Reading> {
  let bytes = 0
  const read = (problem?: string): Reading => ({ bytes, problem })
  try {
    for await (const piece of mailData.read(id)) bytes += piece.length
    return read(bytes === size ? undefined : `Mail data ${id} has ${bytes} B, and its row says ${size} B.`)
  } catch (cause) {
    if (cause instanceof StorageFault) return read(cause.message)
    const { code, path } = cause as NodeJS.ErrnoException
    if (code === undefined) throw cause
    return read(`Mail data ${id} cannot be read from ${path ?? 'its file'}: ${code}.`)
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
