// Brings the schema in PostgreSQL up to date: the same migrations, one node at a time.
import { migrations, worksFrom } from '../migrations/index.ts'
import { serverSilentMs } from '../server-silence.ts'
import { StorageFault } from '../storage-fault.ts'
import { translateSchema } from './dialect.ts'
import { mailDataChunkSchema } from './mail-data-chunks.ts'
import type { PostgresConnection } from './postgres-connection.ts'
import { toPostgresFault } from './postgres-fault.ts'
import { writeMarkSchema } from './write-marks.ts'

const oldestVersion = 14

/** Where several servers share a queue. */
const indexes: ReadonlyMap<string, string> = new Map([
  // A server alone, on the other engine, takes from all shards in one order.
  ['queue_recipient_shard', "queue_recipient (shard, due_at, id) WHERE state = 'ready' AND deaths = 0"],
  // What an owner holds is looked for at each burial: of a long queue all would be read.
  ['queue_recipient_lease', 'queue_recipient (lease_owner) WHERE lease_owner IS NOT NULL'],
])

/** Whoever waits for a lock on a table keeps all others waiting behind him: not longer than they have patience. */
const lockTimeoutMs = 3000

/** What a program makes of a database. */
export interface ProgramSchema {
  readonly migrations: readonly string[]
  /** As in `migrations/index.ts`. */
  readonly worksFrom: number
}

/** What a database says of itself. */
export interface FoundSchema {
  readonly version: number
  readonly worksFrom: number
}

const ofThisProgram: ProgramSchema = { migrations, worksFrom }

/**
 * Resolves with the schema version that the database has then: a newer one when a newer server runs with which this one can
 * work. Throws a StorageFault when the server, or the schema, is not one that we can work with.
 */
export async function migratePostgres(
  connection: PostgresConnection,
  { migrations: own, worksFrom: ownWorksFrom }: ProgramSchema = ofThisProgram,
): Promise<number> {
  const { server } = connection
  try {
    await assertServer(connection)
    // Nothing is locked by looking: every command does.
    const present = await readPostgresSchema(connection)
    const isCurrent = present?.version === own.length && present.worksFrom === ownWorksFrom
    if (isCurrent && (await hasIndexes(connection))) return own.length
    await connection.execute('BEGIN ISOLATION LEVEL READ COMMITTED')
    await connection.lockAll('migration')
    await connection.execute(`SET LOCAL lock_timeout = ${lockTimeoutMs}`)
    await connection.execute(schemaVersionSchema)
    const found = await readPostgresSchema(connection)
    if (found && found.version > own.length) {
      assertCompatible(found, own.length, server)
      await connection.execute('ROLLBACK')
      return found.version
    }
    if (found) await assertNoOlderServers(connection, ownWorksFrom)
    else await connection.run('INSERT INTO schema_version (version) VALUES (0)')
    for (const statements of [writeMarkSchema, mailDataChunkSchema]) await connection.execute(statements)
    for (const statements of own.slice(found?.version ?? 0))
      await connection.execute(translateSchema(statements))
    for (const [name, columns] of indexes)
      await connection.execute(`CREATE INDEX IF NOT EXISTS ${name} ON ${columns}`)
    await connection.run('UPDATE schema_version SET version = ?, works_from = ?', own.length, ownWorksFrom)
    await connection.commit()
    return own.length
  } catch (cause) {
    throw toPostgresFault(cause, server)
  }
}

/** Those that came with a version of ours and not of the schema may be missing. */
async function hasIndexes(connection: PostgresConnection): Promise<boolean> {
  const row = await connection.get<{ found: boolean }>(
    "SELECT bool_and(to_regclass(name) IS NOT NULL) AS found FROM unnest(string_to_array(?, ' ')) AS name",
    [...indexes.keys()].join(' '),
  )
  return row?.found === true
}

/** One written before versions could work together works with no other. */
const schemaVersionSchema = `CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL);
  ALTER TABLE schema_version ADD COLUMN IF NOT EXISTS works_from BIGINT NOT NULL DEFAULT ${Number.MAX_SAFE_INTEGER}`

function assertCompatible(found: FoundSchema, own: number, server: string): void {
  if (isCompatible(found, own)) return
  throw new StorageFault(
    'STORAGE_NEWER',
    `The database at ${server} was written by a newer version of Postrider (schema ${found.version}; this version knows ${own}). Install that version again; nothing was changed.`,
  )
}

/** A program of this schema version can work on it. */
export function isCompatible(found: FoundSchema, own: number): boolean {
  return own >= found.version || own >= found.worksFrom
}

async function assertNoOlderServers(connection: PostgresConnection, oldest: number): Promise<void> {
  if (!(await connection.hasTable('node'))) return
  const older = await connection.all<{ hostname: string; version: string }>(
    `SELECT hostname, version FROM node WHERE schema_version < ?
       AND seen_at > extract(epoch FROM clock_timestamp()) * 1000 - ${serverSilentMs} ORDER BY hostname`,
    oldest,
  )
  if (older.length === 0) return
  const names = older.map(({ hostname, version }) => `${hostname} (${version})`).join(', ')
  throw new StorageFault(
    'STORAGE_IN_USE',
    `Servers of an older version run on the database at ${connection.server}, which cannot work beside this one: ${names}. Stop them first, or bring them to a version in between; nothing was changed.`,
  )
}

/** Changes nothing. undefined: Postrider has never been here. */
export async function readPostgresSchema(connection: PostgresConnection): Promise<FoundSchema | undefined> {
  try {
    if (!(await connection.hasTable('schema_version'))) return undefined
    const row = await connection.get<{ version: number; works_from: number | null }>(
      `SELECT version, CAST(to_jsonb(schema_version) ->> 'works_from' AS BIGINT) AS works_from FROM schema_version`,
    )
    return row && { version: row.version, worksFrom: row.works_from ?? Number.MAX_SAFE_INTEGER }
  } catch (cause) {
    throw toPostgresFault(cause, connection.server)
  }
}

/** Throws a StorageFault when the server is not one that we can work with. */
export async function assertServer(connection: PostgresConnection): Promise<void> {
  const row = await connection.get<{ version: string; encoding: string }>(
    "SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding",
  )
  const number = Number(row?.version ?? 0)
  if (number < oldestVersion * 10_000) {
    throw new StorageFault(
      'STORAGE_REFUSED',
      `PostgreSQL at ${connection.server} is version ${formatVersion(number)}; Postrider needs ${oldestVersion} or newer.`,
      { remedy: 'Upgrade it, or name another server.' },
    )
  }
  if (row?.encoding !== 'UTF8') {
    throw new StorageFault(
      'STORAGE_REFUSED',
      `The database at ${connection.server} has the encoding ${row?.encoding}; Postrider needs UTF8.`,
      { remedy: "Create it with ENCODING 'UTF8' TEMPLATE template0." },
    )
  }
}

/** 90603 is 9.6, 130011 is 13. */
function formatVersion(number: number): string {
  const major = Math.floor(number / 10_000)
  return major >= 10 ? String(major) : `${major}.${Math.floor(number / 100) % 100}`
}
