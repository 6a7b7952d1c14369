// What can be known of a PostgreSQL server without changing anything in it.
import { type DurabilityFacts, readDurability } from './durability.ts'
import { enterDatabase } from './lock-database.ts'
import { assertServer, type FoundSchema, readPostgresSchema } from './migrate-postgres.ts'
import { PostgresConnection } from './postgres-connection.ts'
import type { ServerAddress } from './server-address.ts'

export interface ServerFacts {
  /** The host that is the primary: 'db1.example.org:5432/postrider'. */
  readonly server: string
  /** '17.5' */
  readonly version: string
  /** undefined: Postrider has not been here yet. */
  readonly schema: FoundSchema | undefined
  readonly durability: DurabilityFacts
  /** For users like ours, all of them together. */
  readonly maxConnections: number
  /** ms since 1970. */
  readonly now: number
}

/** Throws a StorageFault when there is none that we can work with. */
export async function inspectServer(address: ServerAddress): Promise<ServerFacts> {
  const connection = await PostgresConnection.open(address, 'check')
  try {
    await assertServer(connection)
    const row = await connection.get<{ version: string; connections: number; now: number }>(
      `SELECT current_setting('server_version') AS version,
         CAST(current_setting('max_connections') AS BIGINT) - CAST(current_setting('superuser_reserved_connections') AS BIGINT) AS connections,
         CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS now`,
    )
    return {
      server: connection.server,
      version: row?.version ?? '',
      schema: await readPostgresSchema(connection),
      durability: await readDurability.run(connection, undefined),
      maxConnections: row?.connections ?? 0,
      now: row?.now ?? 0,
    }
  } finally {
    connection.close()
  }
}

/** False: Postrider has never been in this database. Throws a StorageFault when nobody may enter it now. */
export async function hasPostgresData(address: ServerAddress): Promise<boolean> {
  const connection = await PostgresConnection.open(address, 'check')
  try {
    await enterDatabase(connection)
    return (await readPostgresSchema(connection)) !== undefined
  } finally {
    connection.close()
  }
}
