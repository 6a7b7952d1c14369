// Writes that wait for a transaction, on any engine.
import type { AnyOperation } from './operation.ts'
import { type Woken, WokenTopics } from './woken.ts'

export interface PendingWrite {
  readonly operation: AnyOperation
  readonly input: unknown
  readonly resolve: (output: unknown) => void
  readonly reject: (cause: unknown) => void
}

/** What they wake together, with what their transaction has woken. */
export function wokenBy(batch: readonly PendingWrite[], byTransaction: Woken): Woken {
  const topics = new WokenTopics()
  topics.addAll(byTransaction)
  for (const { operation } of batch) if (operation.wakes) topics.add(operation.wakes)
  return topics.take()
}

/** After the commit: tells each its output. */
export function resolveWrites(batch: readonly PendingWrite[], outputs: readonly unknown[]): void {
  for (const [index, { resolve }] of batch.entries()) resolve(outputs[index])
}
