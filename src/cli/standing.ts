// How a queued recipient stands, in one place for all who tell it: what it waits for, and since it is more than one thing, the
// one that decides.
import type { ShownRecipient } from '../queue/list-queue.ts'

export type Standing =
  | { readonly kind: 'underway' }
  | { readonly kind: 'held' }
  /** Tried apart from others, after a death of the delivery thread. */
  | { readonly kind: 'suspect' }
  | { readonly kind: 'due' }
  | { readonly kind: 'waiting'; readonly until: number }

export function standingOf(recipient: ShownRecipient, now: number): Standing {
  if (recipient.underway) return { kind: 'underway' }
  if (recipient.state === 'held') return { kind: 'held' }
  if (recipient.isSuspect) return { kind: 'suspect' }
  return recipient.dueAt <= now ? { kind: 'due' } : { kind: 'waiting', until: recipient.dueAt }
}

/** For a table. */
export const standingWords: Readonly<Record<Standing['kind'], string>> = {
  underway: 'being delivered',
  held: 'held',
  suspect: 'due',
  due: 'due',
  waiting: 'waiting',
}
