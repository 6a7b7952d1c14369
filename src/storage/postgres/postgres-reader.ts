// Reads, several at a time, each in a transaction that sees one state.
import type { LastingTrouble } from '../../runtime/lasting-trouble.ts'
import { patienceOf } from '../../runtime/patience.ts'
import type { Operation } from '../operation.ts'
import type { ConnectionPool } from './connection-pool.ts'
import type { PostgresLimits } from './limits.ts'
import type { PostgresConnection } from './postgres-connection.ts'
import { isUnavailable, lostRace, toPostgresFault } from './postgres-fault.ts'

export interface PostgresReaderParts {
  readonly pool: ConnectionPool
  readonly limits: PostgresLimits
  readonly outage: LastingTrouble
}

export class PostgresReader {
  readonly #parts: PostgresReaderParts

  constructor(parts: PostgresReaderParts) {
    this.#parts = parts
  }

  /** A read has no effect: one that was cut off is made again. */
  async run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
    const { pool, limits, outage } = this.#parts
    const patience = patienceOf(limits.patienceMs)
    for (;;) {
      try {
        const output = await pool.use(connection => read(connection, operation, input))
        outage.over('read')
        return output
      } catch (cause) {
        const isLost = isUnavailable(cause)
        if (isLost) outage.hit(cause, 'read')
        if (!(isLost || lostRace(cause)) || !(await patience.again())) throw cause
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
    if (operation.isOneStatement) return await operation.run(connection, input)
    // Behind one another on the way: nobody waits for the answer to BEGIN.
    const begun = connection.execute('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const [output] = await Promise.all([operation.run(connection, input), begun])
    await connection.commit()
    return output
  } catch (cause) {
    throw toPostgresFault(cause, connection.server)
  }
}
