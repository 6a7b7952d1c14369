// What a thread and the store thread say to each other: everything of one turn of the event loop in one message.
import type { WakeKeys, WakeTopic } from './operation.ts'

export interface WriteRequest {
  readonly id: number
  readonly operation: string
  readonly input: unknown
}

export type WriteResult =
  | { readonly id: number; readonly output: unknown }
  | { readonly id: number; readonly code: string; readonly message: string }

export type ToStore =
  | { readonly kind: 'writes'; readonly writes: readonly WriteRequest[] }
  /** Wants to be woken after each commit that wakes this. It is woken at once, too: nobody knows what came before. */
  | { readonly kind: 'listen'; readonly topic: WakeTopic }
  | { readonly kind: 'close' }

/** What has come of one commit: what it has woken, and then what became of its writes. */
export interface FromStore {
  readonly wakes: readonly { readonly topic: WakeTopic; readonly keys: WakeKeys }[]
  readonly results: readonly WriteResult[]
}
