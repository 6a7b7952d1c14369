// An operation on storage, written once for every engine.

export type SqlValue = null | number | string | Uint8Array

/** Statements of one transaction. Placeholders are `?`; rows come as plain objects. */
export interface Tx {
  get<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined>
  all<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]>
  run(sql: string, ...values: readonly SqlValue[]): Promise<{ changes: number }>
}

/**
 * A named function over a transaction. Input and output cross threads and sockets: plain data (structured clone),
 * no functions or class instances. A write may be run again from the start when its batch could not be
 * committed, so it has no effects but those on `tx`, and takes time and identifiers from its input.
 */
export interface Operation<Input, Output> {
  /** 'queue.claim': folder and verb; unique. */
  readonly name: string
  readonly access: 'read' | 'write'
  run(tx: Tx, input: Input): Promise<Output>
}

export interface Storage {
  /**
   * Reads see every write whose promise has resolved. A write resolves when it is durable: it survives a
   * power cut. Rejects with a StorageFault: code 'STORAGE_DISK_FULL', 'STORAGE_UNAVAILABLE', 'STORAGE_DAMAGED', …;
   * after a rejection nothing of the operation is there.
   */
  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output>
  close(): Promise<void>
}

export function defineRead<Input, Output>(
  name: string,
  run: (tx: Tx, input: Input) => Promise<Output>,
): Operation<Input, Output> {
  return { name, access: 'read', run }
}

export function defineWrite<Input, Output>(
  name: string,
  run: (tx: Tx, input: Input) => Promise<Output>,
): Operation<Input, Output> {
  return { name, access: 'write', run }
}
