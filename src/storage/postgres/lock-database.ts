// Who has a database for himself, to move everything out of it or into it, and who uses it: neither comes while the other
// is there. Whoever uses it is seen by its connections, from the first to the last.
import { patienceOf } from '../../runtime/patience.ts'
import { StorageFault } from '../storage-fault.ts'
import { assertMoveFinished } from '../unfinished-move.ts'
import { PostgresConnection } from './postgres-connection.ts'
import type { ServerAddress } from './server-address.ts'

/** For whoever uses it, on its first connection. Rejects when the database is being moved, or was and is not whole. */
export async function enterDatabase(connection: PostgresConnection): Promise<void> {
  if (!(await connection.tryLock('move', 'shared'))) {
    throw new StorageFault(
      'STORAGE_LOCKED',
      `The database at ${connection.server} is being moved just now. Wait until that has ended.`,
    )
  }
  await assertMoveFinished(connection, `The database at ${connection.server}`)
}

// A command is there for a moment; the end of a process that was killed is noticed in a moment, or a few where much is to do.
const patienceMs = 5000

/** Held until the connection is closed. Rejects with STORAGE_LOCKED when others are still there after five seconds. */
export async function lockDatabase(address: ServerAddress): Promise<PostgresConnection> {
  const connection = await PostgresConnection.open(address, 'move')
  const patience = patienceOf(patienceMs)
  try {
    while (!(await connection.tryLock('move', 'exclusive')) || (await countUsers(connection)) > 0) {
      if (await patience.again()) continue
      throw new StorageFault(
        'STORAGE_LOCKED',
        `Another Postrider is connected to the database at ${address.name}. Stop every server that has this database ("postrider cluster" shows them), and let commands end.`,
      )
    }
    return connection
  } catch (cause) {
    connection.close()
    throw cause
  }
}

async function countUsers(connection: PostgresConnection): Promise<number> {
  const row = await connection.get<{ users: number }>(
    `SELECT count(*) AS users FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'postrider %' AND pid <> pg_backend_pid()`,
  )
  return row?.users ?? 0
}
