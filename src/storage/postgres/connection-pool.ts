// Connections of one purpose: opened when they are needed, kept for the next, given up when anything went wrong on them.
import { PostgresConnection } from './postgres-connection.ts'
import type { ServerAddress } from './server-address.ts'

export class ConnectionPool {
  readonly #address: ServerAddress
  readonly #purpose: string
  readonly #idle: PostgresConnection[] = []
  #free: number
  readonly #waiting: (() => void)[] = []
  #closed = false

  constructor(address: ServerAddress, purpose: string, size: number) {
    this.#address = address
    this.#purpose = purpose
    this.#free = size
  }

  /** Waits for its turn. Rejects with a StorageFault when no connection can be made. */
  async use<Output>(work: (connection: PostgresConnection) => Promise<Output>): Promise<Output> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    let connection: PostgresConnection | undefined
    try {
      connection = this.#takeIdle() ?? (await PostgresConnection.open(this.#address, this.#purpose))
      const output = await work(connection)
      this.#keep(connection)
      return output
    } catch (cause) {
      connection?.close()
      throw cause
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }

  close(): void {
    this.#closed = true
    for (const connection of this.#idle.splice(0)) connection.close()
  }

  #takeIdle(): PostgresConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop()
      if (!connection || connection.isUsable) return connection
    }
  }

  #keep(connection: PostgresConnection): void {
    if (this.#closed || !connection.isUsable) connection.close()
    else this.#idle.push(connection)
  }
}
