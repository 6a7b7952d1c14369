// Storage for a test, on the engine that this run of the tests is about: a data folder of its own, or a database of its
// own in the PostgreSQL that the runner has started.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Clock, systemClock } from '../../src/runtime/clock.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { type Random, systemRandom } from '../../src/runtime/random.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import type { MailDataStore } from '../../src/storage/mail-data.ts'
import { listMailDataFiles, openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { defineRead, type Storage } from '../../src/storage/operation.ts'
import { openMailDataChunks } from '../../src/storage/postgres/mail-data-chunks.ts'
import { openPostgresStorage } from '../../src/storage/postgres/postgres-storage.ts'
import { databaseFileName } from '../../src/storage/sqlite-connection.ts'
import { addressOf, queryPostgres } from './postgres-server.ts'

/** Set by the runner: the URI of a database whose tables are copied for each test. */
const template = process.env['POSTRIDER_TEST_POSTGRES']

export const engine: 'sqlite' | 'postgres' = template === undefined ? 'sqlite' : 'postgres'

/** For a test of what only that engine has: its files, its one writer in a thread of its own. */
export function testOnSqlite(name: string, run: (t: TestContext) => Promise<void>): void {
  if (engine === 'sqlite') void test(name, run)
}

export interface TestStorage {
  readonly storage: Storage
  readonly mailData: MailDataStore
  /** A data folder; with PostgreSQL it holds no mail. */
  readonly folder: string
  /** The names of those that are too large for their row. */
  mailDataFiles(): Promise<string[]>
  /** At the end of the test, while the storage is still open. `t.after` is too late: the first hook runs first. */
  readonly beforeClose: (end: () => Promise<void>) => void
  /** The same once more, to be closed by the test: on SQLite, where there is one writer, after the first has been closed. */
  readonly openAgain: () => Promise<Storage>
}

interface Opened extends Omit<TestStorage, 'folder' | 'beforeClose'> {
  /** After the end. */
  readonly leave: () => Promise<void>
}

export async function openTestStorage(
  t: TestContext,
  { clock = systemClock, random = systemRandom }: { readonly clock?: Clock; readonly random?: Random } = {},
): Promise<TestStorage> {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-test-'))
  const opened =
    template === undefined ? await openFolder(folder, random) : await openDatabase(template, clock, random)
  const ends: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const end of ends.toReversed()) await end()
    await opened.storage.close()
    await opened.leave()
    await rm(folder, { recursive: true, force: true })
  })
  const { storage, mailData, mailDataFiles, openAgain } = opened
  return {
    folder,
    storage,
    mailData,
    mailDataFiles,
    openAgain,
    beforeClose: end => void ends.push(end),
  }
}

/** Of a database without rows, made for the first test of this process: its tables take longer than most tests. */
let emptyDatabase: Promise<Buffer> | undefined

async function makeDatabase(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-test-'))
  await (await openLocalStorage(folder)).close()
  const bytes = await readFile(join(folder, databaseFileName))
  await rm(folder, { recursive: true })
  return bytes
}

async function openFolder(folder: string, random: Random): Promise<Opened> {
  emptyDatabase ??= makeDatabase()
  await writeFile(join(folder, databaseFileName), await emptyDatabase, { mode: 0o600 })
  const storage = await openLocalStorage(folder)
  return {
    storage,
    mailData: createMailDataStore(openMailDataFiles(folder, random), storage),
    async mailDataFiles() {
      const names: string[] = []
      for await (const name of listMailDataFiles(folder)) names.push(name)
      return names
    },
    openAgain: () => openLocalStorage(folder),
    leave: () => Promise.resolve(),
  }
}

const listChunked = defineRead(
  'test.list-chunked',
  async tx =>
    await tx.all<{ file_name: string }>('SELECT DISTINCT file_name FROM mail_data_chunk ORDER BY file_name'),
)

/** Emptied after each test, for the next one of this file: making one takes a quarter of a second. */
const free: string[] = []
let databases = 0

async function openDatabase(from: string, clock: Clock, random: Random): Promise<Opened> {
  const uri = free.pop() ?? (await createDatabase(from))
  const address = addressOf(uri)
  const storage = await openPostgresStorage(address, clock, silentLog)
  return {
    storage,
    mailData: createMailDataStore(openMailDataChunks(storage, clock, random), storage),
    mailDataFiles: async () => (await storage.run(listChunked, undefined)).map(row => row.file_name),
    openAgain: () => openPostgresStorage(address, clock, silentLog),
    async leave() {
      await queryPostgres(uri, emptyEveryTable)
      free.push(uri)
    },
  }
}

/**
 * TRUNCATE makes the files of a table and its indexes anew: of all tables that is a tenth of a second and more. So only those that
 * have grown are truncated; in the others rows are deleted, where there have been any. Without triggers, in any order.
 */
const emptyEveryTable = `DO $$
  DECLARE
    written regclass;
    used record;
  BEGIN
    SET LOCAL session_replication_role = replica;
    FOR written IN
      SELECT oid FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'schema_version'
         AND pg_relation_size(oid) > 0
    LOOP
      IF pg_relation_size(written) > 100000 THEN
        EXECUTE format('TRUNCATE %s CASCADE', written);
      ELSE
        EXECUTE format('DELETE FROM %s', written);
      END IF;
    END LOOP;
    FOR used IN
      SELECT format('%I.%I', schemaname, sequencename) AS name, start_value FROM pg_sequences
       WHERE schemaname = 'public' AND last_value IS NOT NULL
    LOOP
      PERFORM setval(used.name::regclass, used.start_value, false);
    END LOOP;
  END $$`

async function createDatabase(from: string): Promise<string> {
  const uri = new URL(from)
  const name = `test_${process.pid}_${++databases}`
  await queryPostgres(
    new URL('postgres', from).href,
    `CREATE DATABASE ${name} TEMPLATE ${uri.pathname.slice(1)} STRATEGY file_copy`,
  )
  uri.pathname = `/${name}`
  return uri.href
}
