// Writes that wait for a transaction, on any engine.
import type { AnyOperation, WakeTopic } from './operation.ts'

export interface PendingWrite {
  readonly operation: AnyOperation
  readonly input: unknown
  readonly resolve: (output: unknown) => void
  readonly reject: (cause: unknown) => void
}

/** After the commit: tells each its output, and `woken` what they wake together. */
export function resolveWrites(
  batch: readonly PendingWrite[],
  outputs: readonly unknown[],
  woken: (topics: ReadonlySet<WakeTopic>) => void,
): void {
  const topics = new Set<WakeTopic>()
  for (const [index, { operation, resolve }] of batch.entries()) {
    if (operation.wakes) topics.add(operation.wakes)
    resolve(outputs[index])
  }
  if (topics.size > 0) woken(topics)
}
