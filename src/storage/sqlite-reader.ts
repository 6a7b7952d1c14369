// Reads on a connection of the caller's own thread.
import type { Operation } from './operation.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { toStorageFault } from './storage-fault.ts'

export class SqliteReader {
  readonly #connection: SqliteConnection
  /** The end of the last read that was asked for. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(folder: string) {
    this.#connection = new SqliteConnection(folder, 'reader')
  }

  /**
   * One read after the other, each of several statements in a transaction of its own: they see the same state, and one
   * that begins after a write has resolved sees that write. They await nothing but their statements, which are synchronous,
   * so nobody waits long for his turn.
   */
  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
    const result = this.#last.then(() => this.#read(operation, input))
    this.#last = result.catch(() => {}) // it is the caller's; here only the order counts
    return result
  }

  async #read<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
    const connection = this.#connection
    try {
      if (operation.isOneStatement) return await operation.run(connection, input)
      connection.execute('BEGIN')
      const output = await operation.run(connection, input)
      connection.execute('COMMIT')
      return output
    } catch (cause) {
      if (connection.inTransaction) connection.execute('ROLLBACK')
      throw toStorageFault(cause, connection.file)
    }
  }

  close(): void {
    this.#connection.close()
  }
}
