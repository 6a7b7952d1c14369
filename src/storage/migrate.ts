// Brings the schema up to date: numbered migrations, each in its own transaction.
import { migrations as allMigrations } from './migrations/index.ts'
import { findSchemaDamage, readFirstRows } from './schema-damage.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { damaged, StorageFault, toStorageFault } from './storage-fault.ts'

/** The schema version that this version of Postrider writes. */
export const schemaVersion = allMigrations.length

export async function readSchemaVersion(connection: SqliteConnection): Promise<number> {
  try {
    const row = await connection.get<{ user_version: number }>('PRAGMA user_version')
    return row?.user_version ?? 0
  } catch (cause) {
    throw toStorageFault(cause, connection.file)
  }
}

function assertKnownSchema(connection: SqliteConnection, found: number): void {
  if (found <= schemaVersion) return
  throw new StorageFault(
    'STORAGE_NEWER',
    `${connection.file} was written by a newer version of Postrider (schema ${found}; this version knows ${schemaVersion}).`,
    { remedy: 'Install that version again; nothing was changed.' },
  )
}

/** Throws a StorageFault, also when what the schema should have is missing or unreadable: then no message is safe. */
export async function migrate(connection: SqliteConnection): Promise<void> {
  const found = await readSchemaVersion(connection)
  assertKnownSchema(connection, found)
  for (const [index, statements] of allMigrations.entries()) {
    if (index < found) continue
    try {
      connection.executeScript(`BEGIN IMMEDIATE; ${statements}; PRAGMA user_version=${index + 1}; COMMIT;`)
    } catch (cause) {
      if (connection.inTransaction) connection.execute('ROLLBACK')
      const fault = toStorageFault(cause, connection.file)
      if (fault instanceof StorageFault) throw fault
      throw damaged(connection.file, `schema ${index} cannot become ${index + 1}: ${String(cause)}`, {
        cause,
      })
    }
  }
  const damage = await findSchemaDamage(connection)
  if (damage.length > 0) throw damaged(connection.file, damage.join(' '))
  await readFirstRows(connection).catch((cause: unknown) => {
    throw toStorageFault(cause, connection.file)
  })
}
