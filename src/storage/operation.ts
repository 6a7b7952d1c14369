// An operation on storage, written once for every engine.
import type { TextCondition } from './any-case.ts'
import type { ForAll } from './side-by-side.ts'
import type { WordIndex } from './word-index.ts'

export type SqlValue = null | number | string | Uint8Array

/** Tables with rows that two transactions may want to change together, for whoever has several writers. */
export type LockableTable = 'queue_message' | 'account' | 'mail_data'

/** Statements of one transaction. Placeholders are `?`; rows come as plain objects. */
export interface Tx {
  /**
   * Other transactions that lock the same row wait until this one has ended; what they have committed is seen from then
   * on. Where there is one writer it does nothing. In the order of `LockableTable`, and of the ids: else two wait for each
   * other.
   */
  lockRow(table: LockableTable, id: number): Promise<void>
  /** The same for a part of the data as a whole. */
  lockAll(what: 'directory' | 'suspects' | 'allowances'): Promise<void>
  /** The end of a SELECT that takes rows: waits for whoever is changing one, and sees what became of it. */
  readonly forUpdate: '' | 'FOR UPDATE'
  /** The end of a SELECT that takes rows: passes over those that another transaction is taking. */
  readonly skipLocked: '' | 'FOR UPDATE SKIP LOCKED'
  /** At once where statements are sent over a wire; one after another, until the first that fails, where they are not. */
  readonly forAll: ForAll
  /**
   * After the table of a SELECT: by this index and no other. For a partial one whose condition is what most rows of the
   * table fulfil: SQLite, which has no statistics, takes that condition for a reason to read them all by another index.
   */
  readonly byIndex: (index: string) => string
  /** A condition of WHERE: the column has this text in it, with its letters in either case. */
  readonly contains: (column: string, text: string) => TextCondition
  readonly words: WordIndex
  get<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined>
  all<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]>
  run(sql: string, ...values: readonly SqlValue[]): Promise<{ changes: number }>
  /** After the commit whoever listens to `topic` is told `key`: the id of what has changed. */
  wake(topic: WakeTopic, key: number): void
}

/** What a write may wake: whoever listens is told after the commit. */
export type WakeTopic = 'queue' | 'directory' | 'certificates' | 'mailbox' | 'mailbox-names' | 'quota'

export const wakeTopics: readonly WakeTopic[] = [
  'queue',
  'directory',
  'certificates',
  'mailbox',
  'mailbox-names',
  'quota',
]

/** What of a topic has changed; undefined: any of it may have. */
export type WakeKeys = ReadonlySet<number> | undefined

/**
 * A named function over a transaction. Input and output cross threads and sockets: plain data (structured clone),
 * no functions or class instances. A write may be run again from the start when its batch could not be
 * committed, so it has no effects but those on `tx`, and takes time and identifiers from its input. It awaits nothing
 * but `tx`.
 */
export interface Operation<Input, Output> {
  /** 'queue.claim': folder and verb; unique. */
  readonly name: string
  readonly access: 'read' | 'write'
  readonly wakes?: WakeTopic | undefined
  /** A read of one statement, which sees one state by itself: no transaction is begun for it. */
  readonly isOneStatement?: boolean | undefined
  /** A write that waits for none of those before it, where there are several writers: who is late here counts as dead. */
  readonly isUrgent?: boolean | undefined
  /** It neither reads nor changes what another write of the same operation does: they may share a transaction at once. */
  readonly isIndependent?: boolean | undefined
  /** It may wait long for rows that others have: a transaction of its own, so that no other write waits with it. */
  readonly waitsForOthers?: boolean | undefined
  /** How the input crosses to the store thread, where structured clone costs more than the work itself. */
  readonly wire?: Wire<Input> | undefined
  run(tx: Tx, input: Input): Promise<Output>
}

export interface Wire<Input> {
  pack(input: Input): unknown
  unpack(packed: unknown): Input
}

export type WakeListener = (keys: WakeKeys) => void

export interface Storage {
  /**
   * Reads see every write whose promise has resolved. A write resolves when it is durable: it survives a
   * power cut. Rejects with a StorageFault: code 'STORAGE_DISK_FULL', 'STORAGE_UNAVAILABLE', 'STORAGE_DAMAGED', …;
   * after a rejection nothing of the operation is there, but for 'STORAGE_GONE', after which nobody knows.
   */
  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output>
  /** Calls back after each commit that wakes `topic`, whichever thread ran it; calls are coalesced. */
  onWake(topic: WakeTopic, listener: WakeListener): void
  close(): Promise<void>
}

export function defineRead<Input, Output>(
  name: string,
  run: (tx: Tx, input: Input) => Promise<Output>,
): Operation<Input, Output> {
  return { name, access: 'read', run }
}

/** A read of one row, or none, by one statement. */
export function defineLookup<Input, Row>(
  name: string,
  sql: string,
  valuesOf: (input: Input) => readonly SqlValue[],
): Operation<Input, Row | undefined> {
  return {
    name,
    access: 'read',
    isOneStatement: true,
    run: (tx, input) => tx.get<Row>(sql, ...valuesOf(input)),
  }
}

export function defineWrite<Input, Output>(
  name: string,
  run: (tx: Tx, input: Input) => Promise<Output>,
  options: Pick<
    Operation<Input, Output>,
    'wakes' | 'wire' | 'isUrgent' | 'isIndependent' | 'waitsForOthers'
  > = {},
): Operation<Input, Output> {
  return { name, access: 'write', ...options, run }
}

// biome-ignore format: one line reads better
// oxlint-disable-next-line typescript/no-explicit-any -- a registry holds operations of every input and output
export type AnyOperation = Operation<any, any>

/** The operations that may be asked for by name. */
export type OperationRegistry = ReadonlyMap<string, AnyOperation>

export function createOperationRegistry(operations: readonly AnyOperation[]): OperationRegistry {
  const registry = new Map<string, AnyOperation>()
  for (const operation of operations) {
    if (registry.has(operation.name)) throw new Error(`two operations are named ${operation.name}`)
    registry.set(operation.name, operation)
  }
  return registry
}
