// The one writer: whatever waits goes into one transaction, so that one sync serves many messages.

import type { AnyOperation } from './operation.ts'
import { type PendingWrite, resolveWrites, wokenBy } from './pending-write.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { toStorageFault } from './storage-fault.ts'
import type { Woken } from './woken.ts'

// Bounds how long one commit keeps those waiting who come during it.
const maxBatch = 500

export class GroupCommit {
  readonly #connection: SqliteConnection
  readonly #tell: (woken: Woken) => void
  #waiting: PendingWrite[] = []
  #draining: Promise<void> | undefined

  constructor(connection: SqliteConnection, tell: (woken: Woken) => void) {
    this.#connection = connection
    this.#tell = tell
  }

  submit(operation: AnyOperation, input: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operation, input, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Resolves when nothing waits any longer. */
  async idle(): Promise<void> {
    await this.#draining
  }

  async #drain(): Promise<void> {
    // A turn of the event loop before each commit: what other threads have sent meanwhile comes along, and what the
    // last commit has resolved goes out before this one blocks.
    for (await turn(); this.#waiting.length > 0; await turn()) {
      // No waiting for more: measured with 100 sessions, a pause of 1 to 4 ms before the commit saves no CPU and takes
      // half of the messages per second, because fronts and store then work in turns instead of side by side.
      await this.#commit(this.#waiting.splice(0, maxBatch))
    }
    this.#draining = undefined
  }

  async #commit(batch: readonly PendingWrite[]): Promise<void> {
    const outputs: unknown[] = []
    try {
      this.#connection.execute('BEGIN IMMEDIATE')
      for (const { operation, input } of batch) outputs.push(await operation.run(this.#connection, input))
      this.#connection.execute('COMMIT')
    } catch (cause) {
      this.#rollBack()
      const [only] = batch
      if (batch.length === 1 && only) only.reject(toStorageFault(cause, this.#connection.file))
      // One of them is to blame: alone, each gets what it deserves.
      else for (const waiting of batch) await this.#commit([waiting])
      return
    }
    const woken = wokenBy(batch, this.#connection.takeWoken())
    resolveWrites(batch, outputs)
    if (woken.size > 0) this.#tell(woken)
  }

  #rollBack(): void {
    this.#connection.takeWoken()
    try {
      // SQLite rolls back by itself on some errors (disk full, I/O).
      if (this.#connection.inTransaction) this.#connection.execute('ROLLBACK')
    } catch {
      // The connection is of no use then; the next BEGIN says so to whoever asks next.
    }
  }
}

function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
