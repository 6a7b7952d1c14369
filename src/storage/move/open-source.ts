// The storage that everything is moved from: nobody else has it meanwhile, and it is only read.
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../runtime/clock.ts'
import { LastingTrouble } from '../../runtime/lasting-trouble.ts'
import { silentLog } from '../../runtime/log.ts'
import type { Random } from '../../runtime/random.ts'
import type { MailDataFiles } from '../mail-data.ts'
import { openMailDataFiles } from '../mail-data-files.ts'
import { readSchemaVersion, schemaVersion } from '../migrate.ts'
import { defineRead } from '../operation.ts'
import { ConnectionPool } from '../postgres/connection-pool.ts'
import { usualLimits } from '../postgres/limits.ts'
import { lockDatabase } from '../postgres/lock-database.ts'
import { openMailDataChunks } from '../postgres/mail-data-chunks.ts'
import { readPostgresSchema } from '../postgres/migrate-postgres.ts'
import { PostgresReader } from '../postgres/postgres-reader.ts'
import type { ServerAddress } from '../postgres/server-address.ts'
import { findSchemaDamage } from '../schema-damage.ts'
import { databaseFileName, SqliteConnection } from '../sqlite-connection.ts'
import { SqliteReader } from '../sqlite-reader.ts'
import { damaged, StorageFault } from '../storage-fault.ts'
import { assertMoveFinished } from '../unfinished-move.ts'
import { type MoveEngine, postgresEngine, sqliteEngine } from './engine.ts'
import { nameOf, type Place } from './place.ts'
import type { Reader } from './rows.ts'

export interface MoveSource {
  readonly name: string
  readonly engine: MoveEngine
  readonly reader: Reader
  readonly files: Pick<MailDataFiles, 'read'>
  /** Another one: something has been written since. */
  readState(): Promise<string>
  close(): void
}

/** Rejects when it is in use, of another version, damaged or itself half of something. */
export async function openSource(place: Place, clock: Clock, random: Random): Promise<MoveSource> {
  return place.kind === 'folder'
    ? await openFolder(place, random)
    : await openDatabase(place.address, nameOf(place), clock, random)
}

async function openFolder(
  { folder, lock: lockFolder }: Extract<Place, { kind: 'folder' }>,
  random: Random,
): Promise<MoveSource> {
  const file = join(folder, databaseFileName)
  if (!existsSync(file))
    throw new StorageFault(
      'STORAGE_MISSING',
      `There is no Postrider data in ${folder}, so there is nothing to move. Look at dataFolder in the settings.`,
    )
  const lock = await lockFolder(folder)
  let connection: SqliteConnection | undefined
  try {
    connection = new SqliteConnection(folder, 'reader')
    await assertMoveFinished(connection, folder)
    assertThisVersion(file, await readSchemaVersion(connection))
    const damage = await findSchemaDamage(connection)
    if (damage.length > 0) throw damaged(file, damage.join(' '))
    const reader = new SqliteReader(folder)
    return {
      name: folder,
      engine: sqliteEngine,
      reader,
      files: openMailDataFiles(folder, random),
      readState: () => Promise.resolve(describeFiles(file, `${file}-wal`)),
      close() {
        reader.close()
        lock.release()
      },
    }
  } catch (cause) {
    lock.release()
    throw cause
  } finally {
    connection?.close()
  }
}

/** Whoever writes to a database writes to its file or to the log beside it. An empty log may come with any look at it. */
function describeFiles(...files: readonly string[]): string {
  return files
    .map(file => statSync(file, { throwIfNoEntry: false }))
    .map(found => (found && found.size > 0 ? `${found.size} ${found.mtimeMs}` : '-'))
    .join(', ')
}

async function openDatabase(
  address: ServerAddress,
  name: string,
  clock: Clock,
  random: Random,
): Promise<MoveSource> {
  const lock = await lockDatabase(address)
  try {
    const schema = await readPostgresSchema(lock)
    if (!schema)
      throw new StorageFault(
        'STORAGE_MISSING',
        `There is no Postrider data in ${name}, so there is nothing to move. Look at storage in the settings.`,
      )
    await assertMoveFinished(lock, name)
    assertThisVersion(name, schema.version)
  } catch (cause) {
    lock.close()
    throw cause
  }
  const pool = new ConnectionPool(address, 'move', 2, usualLimits)
  const outage = new LastingTrouble(silentLog, { begins: 'the source is away', ends: 'the source is back' })
  const reader = new PostgresReader({ pool, limits: usualLimits, outage })
  return {
    name,
    engine: postgresEngine,
    reader,
    files: openMailDataChunks(reader, clock, random),
    readState: () => reader.run(readLastMark, undefined),
    close() {
      pool.close()
      lock.close()
    },
  }
}

/** Every transaction of a server leaves a mark. */
const readLastMark = defineRead('storage.read-last-mark', async (tx): Promise<string> => {
  const row = await tx.get<{ marks: number; last: number | null }>(
    'SELECT count(*) AS marks, max(at) AS last FROM write_mark',
  )
  return `${row?.marks ?? 0} ${row?.last ?? '-'}`
})

function assertThisVersion(what: string, found: number): void {
  if (found === schemaVersion) return
  const versions = `schema ${found}; this version knows ${schemaVersion}`
  throw new StorageFault(
    'STORAGE_NEWER',
    found > schemaVersion
      ? `${what} was written by a newer version of Postrider (${versions}). Move it with that version.`
      : `${what} was written by an older version of Postrider (${versions}). Start the server once, which brings it up to date, stop it, and repeat this.`,
  )
}
