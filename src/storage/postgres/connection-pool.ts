// Connections of one purpose: opened when they are needed, kept for the next, given up when anything went wrong on them.
import type { PostgresLimits } from './limits.ts'
import { type ConnectionPurpose, PostgresConnection } from './postgres-connection.ts'
import { isUnavailable } from './postgres-fault.ts'
import type { ServerAddress } from './server-address.ts'

interface Waiting {
  readonly resolve: () => void
  readonly reject: (cause: unknown) => void
}

export class ConnectionPool {
  readonly #address: ServerAddress
  readonly #limits: PostgresLimits
  readonly #purpose: ConnectionPurpose
  readonly #idle: PostgresConnection[] = []
  #free: number
  readonly #waiting: Waiting[] = []
  #closed = false

  constructor(address: ServerAddress, purpose: ConnectionPurpose, size: number, limits: PostgresLimits) {
    this.#address = address
    this.#limits = limits
    this.#purpose = purpose
    this.#free = size
  }

  /** Waits for its turn. Rejects with a StorageFault when no connection can be made. */
  async use<Output>(work: (connection: PostgresConnection) => Promise<Output>): Promise<Output> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }))
    let connection: PostgresConnection | undefined
    try {
      connection = this.#takeIdle() ?? (await this.#open())
      const output = await work(connection)
      this.#keep(connection)
      return output
    } catch (cause) {
      connection?.close()
      // What cut this one has cut the others too: whoever took one of them would wait in vain to find out.
      if (isUnavailable(cause)) this.#closeIdle()
      throw cause
    } finally {
      const next = this.#waiting.shift()
      if (next) next.resolve()
      else this.#free++
    }
  }

  close(): void {
    this.#closed = true
    this.#closeIdle()
  }

  /** Who waits for a turn is told with the one who could not have a connection: one by one, the last would wait for minutes. */
  async #open(): Promise<PostgresConnection> {
    try {
      return await PostgresConnection.open(this.#address, this.#purpose, this.#limits)
    } catch (cause) {
      for (const { reject } of this.#waiting.splice(0)) reject(cause)
      throw cause
    }
  }

  #closeIdle(): void {
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
