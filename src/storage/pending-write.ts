// Writes that wait for a transaction, on any engine.
import type { AnyOperation, WakeTopic } from './operation.ts'

export interface PendingWrite {
  readonly operation: AnyOperation
  readonly input: unknown
  readonly resolve: (output: unknown) => void
  readonly reject: (cause: unknown) => void
}

/** What they wake together. */
export function topicsOf(batch: readonly PendingWrite[]): ReadonlySet<WakeTopic> {
  return new Set(batch.flatMap(({ operation }) => operation.wakes ?? []))
}

/** After the commit: tells each its output, and `woken` what they wake together. */
export function resolveWrites(
  batch: readonly PendingWrite[],
  outputs: readonly unknown[],
  woken: (topics: ReadonlySet<WakeTopic>) => void,
): void {
  const topics = topicsOf(batch)
  for (const [index, { resolve }] of batch.entries()) resolve(outputs[index])
  if (topics.size > 0) woken(topics)
}
