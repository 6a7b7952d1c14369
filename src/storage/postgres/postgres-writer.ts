// Writes: whatever waits goes into one transaction, so that one sync serves many messages; several transactions are under
// way at a time, and the statements of one follow each other without waiting for answers where they can.
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../runtime/clock.ts'
import type { LastingTrouble } from '../../runtime/lasting-trouble.ts'
import type { Log } from '../../runtime/log.ts'
import { patienceOf } from '../../runtime/patience.ts'
import type { AnyOperation } from '../operation.ts'
import { type PendingWrite, resolveWrites, wokenBy } from '../pending-write.ts'
import { sideBySide } from '../side-by-side.ts'
import { StorageFault } from '../storage-fault.ts'
import type { Woken } from '../woken.ts'
import type { ConnectionPool } from './connection-pool.ts'
import type { PostgresLimits } from './limits.ts'
import type { PostgresConnection } from './postgres-connection.ts'
import { isUnanswered, isUnavailable, lostRace, toPostgresFault } from './postgres-fault.ts'
import { lookForMark, writeMark } from './write-marks.ts'

export interface PostgresWriterParts {
  /** Of one connection more than `maxTransactions`, for what is urgent. */
  readonly pool: ConnectionPool
  readonly clock: Clock
  readonly log: Log
  readonly limits: PostgresLimits
  readonly outage: LastingTrouble
  readonly maxTransactions: number
  /** Before the commit, in its transaction. */
  readonly announce: (connection: PostgresConnection, woken: Woken) => Promise<void>
  /** After the commit. */
  readonly tell: (woken: Woken) => void
}

/** Whatever the database has for others: who has waited for a row has to see what was committed meanwhile. */
const begin = 'BEGIN ISOLATION LEVEL READ COMMITTED'
/** A way that cuts each COMMIT does not keep anybody waiting for ever. */
const maxLooks = 3
// Bounds how long one commit keeps those waiting who come during it.
const maxBatch = 200

export class PostgresWriter {
  readonly #parts: PostgresWriterParts
  #waiting: PendingWrite[] = []
  #batches = 0
  /** With those that are urgent. */
  #underWay = 0
  readonly #whenIdle: (() => void)[] = []

  constructor(parts: PostgresWriterParts) {
    this.#parts = parts
  }

  submit(operation: AnyOperation, input: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const write: PendingWrite = { operation, input, resolve, reject }
      if (operation.isUrgent) void this.#begin([write])
      else if (this.#waiting.push(write) === 1) setImmediate(() => this.#pump())
    })
  }

  /** Resolves when nothing waits any longer. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve()
    return new Promise(resolve => this.#whenIdle.push(resolve))
  }

  #isIdle(): boolean {
    return this.#underWay === 0 && this.#waiting.length === 0
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.#batches < this.#parts.maxTransactions) {
      this.#batches++
      void this.#begin(this.#takeBatch()).then(() => {
        this.#batches--
        this.#pump()
      })
    }
  }

  #takeBatch(): PendingWrite[] {
    const waits = this.#waiting.slice(0, maxBatch).findIndex(({ operation }) => operation.waitsForOthers)
    return this.#waiting.splice(0, waits === -1 ? maxBatch : Math.max(waits, 1))
  }

  async #begin(batch: readonly PendingWrite[]): Promise<void> {
    this.#underWay++
    await this.#write(batch)
    this.#underWay--
    if (this.#isIdle()) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  /** Never rejects. */
  async #write(batch: readonly PendingWrite[]): Promise<void> {
    let committed: Pick<Transaction, 'outputs' | 'woken'>
    try {
      committed = await this.#commit(batch)
    } catch (cause) {
      const [only] = batch
      if (batch.length === 1 && only) only.reject(cause)
      else if (cause instanceof StorageFault && cause.code !== 'STORAGE_DAMAGED')
        for (const { reject } of batch) reject(cause)
      // One of them is to blame: alone, each gets what it deserves.
      else for (const waiting of batch) await this.#write([waiting])
      return
    }
    resolveWrites(batch, committed.outputs)
    if (committed.woken.size > 0) this.#parts.tell(committed.woken)
  }

  /** Rejects with nothing of the batch written; with 'STORAGE_GONE' when not even looking tells whether it was. */
  async #commit(batch: readonly PendingWrite[]): Promise<Transaction> {
    const { pool, limits, outage } = this.#parts
    let patience = patienceOf(limits.patienceMs)
    for (let looks = 0; ; ) {
      const transaction: Transaction = {
        mark: randomUUID(),
        outputs: [],
        woken: new Map(),
        isCommitting: false,
      }
      try {
        await pool.use(connection => this.#runTransaction(connection, batch, transaction))
        outage.over('write')
        return transaction
      } catch (cause) {
        const isLost = isUnavailable(cause)
        if (isLost) outage.hit(cause, 'write')
        if (transaction.isCommitting && isUnanswered(cause)) {
          if (await this.#wasCommitted(transaction.mark)) return transaction
          // Whoever could say so answers again, however long that took.
          if (++looks <= maxLooks) patience = patienceOf(limits.patienceMs)
        }
        if (!(isLost || lostRace(cause)) || !(await patience.again())) throw cause
      }
    }
  }

  async #wasCommitted(mark: string): Promise<boolean> {
    const { clock, limits, log, pool } = this.#parts
    const patience = patienceOf(limits.lookPatienceMs)
    for (;;) {
      try {
        const outcome = await pool.use(connection => lookForMark(connection, mark, clock.now()))
        log.info('a commit that was not answered has been looked for', { outcome })
        return outcome === 'committed'
      } catch (cause) {
        if (await patience.again()) continue
        throw new StorageFault(
          'STORAGE_GONE',
          'The database did not answer a commit, and does not say what became of it.',
          { cause },
        )
      }
    }
  }

  async #runTransaction(
    connection: PostgresConnection,
    batch: readonly PendingWrite[],
    transaction: Transaction,
  ): Promise<void> {
    const { announce, clock } = this.#parts
    try {
      connection.takeWoken() // of one that was rolled back
      // Behind one another on the way: nobody waits for the answers to the first.
      const begun = [connection.execute(begin), writeMark(connection, transaction.mark, clock.now())]
      const [outputs] = await Promise.all([runOperations(connection, batch), ...begun])
      transaction.outputs = outputs
      transaction.woken = wokenBy(batch, connection.takeWoken())
      await announce(connection, transaction.woken)
      transaction.isCommitting = true
      await connection.commit()
    } catch (cause) {
      throw toPostgresFault(cause, connection.server)
    }
  }
}

interface Transaction {
  readonly mark: string
  outputs: unknown[]
  woken: Woken
  /** COMMIT is on its way. */
  isCommitting: boolean
}

async function runOperations(
  connection: PostgresConnection,
  batch: readonly PendingWrite[],
): Promise<unknown[]> {
  const outputs: unknown[] = []
  for (let from = 0; from < batch.length; from = outputs.length)
    outputs.push(
      ...(await sideBySide(takeTogether(batch, from), ({ operation, input }) =>
        operation.run(connection, input),
      )),
    )
  return outputs
}

/** Those from `from` on that do not depend on each other. */
function takeTogether(batch: readonly PendingWrite[], from: number): readonly PendingWrite[] {
  const first = batch[from]?.operation
  const end = batch.findIndex(
    ({ operation }, at) => at > from && !(operation.isIndependent && operation === first),
  )
  return batch.slice(from, end === -1 ? batch.length : end)
}
