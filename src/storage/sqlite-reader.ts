// Reads on a connection of the caller's own thread.
import type { Operation } from './operation.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { toStorageFault } from './storage-fault.ts'

export class SqliteReader {
  readonly #connection: SqliteConnection
  #running = 0

  constructor(folder: string) {
    this.#connection = new SqliteConnection(folder, 'reader')
  }

  /**
   * All statements of an operation see the same state. Operations that overlap share it: they await nothing but their
   * statements, so they end before anything else can happen on this thread, and the next one sees what is new.
   */
  async run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
    try {
      if (this.#running++ === 0) this.#connection.execute('BEGIN')
      return await operation.run(this.#connection, input)
    } catch (cause) {
      throw toStorageFault(cause, this.#connection.file)
    } finally {
      if (--this.#running === 0 && this.#connection.inTransaction) this.#connection.execute('COMMIT')
    }
  }

  close(): void {
    this.#connection.close()
  }
}
