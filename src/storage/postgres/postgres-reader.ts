// Reads, several at a time, each in a transaction that sees one state.
import { patienceOf } from '../../runtime/patience.ts'
import type { Operation } from '../operation.ts'
import type { ConnectionPool } from './connection-pool.ts'
import type { PostgresConnection } from './postgres-connection.ts'
import { isUnavailable, lostRace, toPostgresFault } from './postgres-fault.ts'

const patienceMs = 10_000

export class PostgresReader {
  readonly #pool: ConnectionPool

  constructor(pool: ConnectionPool) {
    this.#pool = pool
  }

  /** A read has no effect: one that was cut off is made again. */
  async run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
    const patience = patienceOf(patienceMs)
    for (;;) {
      try {
        return await this.#pool.use(connection => read(connection, operation, input))
      } catch (cause) {
        if (!(isUnavailable(cause) || lostRace(cause)) || !(await patience.again())) throw cause
      }
    }
  }
}

async function read<Input, Output>(
  connection: PostgresConnection,
  operation: Operation<Input, Output>,
  input: Input,
): Promise<Output> {
  try {
    // Behind one another on the way: nobody waits for the answer to BEGIN.
    const begun = connection.execute('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const [output] = await Promise.all([operation.run(connection, input), begun])
    await connection.execute('COMMIT')
    return output
  } catch (cause) {
    throw toPostgresFault(cause, connection.server)
  }
}
