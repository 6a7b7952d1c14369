// Brings the schema in PostgreSQL up to date: the same migrations, one node at a time.
import { migrations } from '../migrations/index.ts'
import { StorageFault } from '../storage-fault.ts'
import { translateSchema } from './dialect.ts'
import { mailDataChunkSchema } from './mail-data-chunks.ts'
import type { PostgresConnection } from './postgres-connection.ts'
import { toPostgresFault } from './postgres-fault.ts'
import { writeMarkSchema } from './write-marks.ts'

const oldestVersion = 14

/** A server alone, on the other engine, takes from all shards in one order. */
const shardIndex = `CREATE INDEX IF NOT EXISTS queue_recipient_shard ON queue_recipient (shard, due_at, id)
  WHERE state = 'ready' AND deaths = 0`

/** Throws a StorageFault when the server is not one that we can work with. */
export async function migratePostgres(connection: PostgresConnection): Promise<void> {
  try {
    await assertServer(connection)
    await connection.execute('BEGIN')
    await connection.lockAll('migration')
    await connection.execute('CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)')
    const version = await readPostgresSchemaVersion(connection)
    const found = version ?? 0
    if (found > migrations.length) {
      throw new StorageFault(
        'STORAGE_NEWER',
        `The database at ${connection.server} was written by a newer version of Postrider (schema ${found}; this version knows ${migrations.length}). Install that version again; nothing was changed.`,
      )
    }
    if (version === undefined) await connection.run('INSERT INTO schema_version (version) VALUES (0)')
    for (const own of [writeMarkSchema, mailDataChunkSchema]) await connection.execute(own)
    for (const statements of migrations.slice(found)) await connection.execute(translateSchema(statements))
    await connection.execute(shardIndex)
    await connection.run('UPDATE schema_version SET version = ?', migrations.length)
    await connection.commit()
  } catch (cause) {
    throw toPostgresFault(cause, connection.server)
  }
}

/** Changes nothing. undefined: Postrider has never been here. */
export async function readPostgresSchemaVersion(connection: PostgresConnection): Promise<number | undefined> {
  try {
    if (!(await connection.hasTable('schema_version'))) return undefined
    return (await connection.get<{ version: number }>('SELECT version FROM schema_version'))?.version
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
    )
  }
  if (row?.encoding !== 'UTF8') {
    throw new StorageFault(
      'STORAGE_REFUSED',
      `The database at ${connection.server} has the encoding ${row?.encoding}; Postrider needs UTF8. Create it with ENCODING 'UTF8' TEMPLATE template0.`,
    )
  }
}

/** 90603 is 9.6, 130011 is 13. */
function formatVersion(number: number): string {
  const major = Math.floor(number / 10_000)
  return major >= 10 ? String(major) : `${major}.${Math.floor(number / 100) % 100}`
}
