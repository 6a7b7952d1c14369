// How a queued recipient stands, in one place for all who tell it: what it waits for, and since it is more than one thing, the
// one that decides.
import { isTooLate } from '../delivery/transfer/deliver-by.ts'
import type { GateKey } from '../queue/gates.ts'
import type { ShownRecipient } from '../queue/list-queue.ts'
import { formatQueueId } from '../queue/queue-id.ts'
import type { QueuedMessage } from '../queue/records.ts'

export type Standing =
  | { readonly kind: 'underway' }
  | { readonly kind: 'held' }
  /** Tried apart from others, after a death of the delivery thread. */
  | { readonly kind: 'suspect' }
  /** Its sender wants it delivered later (RFC 4865). */
  | { readonly kind: 'scheduled'; readonly until: number }
  /** Its server fetches it. */
  | { readonly kind: 'kept' }
  /** For room where it is to go, or in the limit of its sender. */
  | { readonly kind: 'in-line'; readonly gate: GateKey; readonly until: number }
  | { readonly kind: 'due' }
  | { readonly kind: 'waiting'; readonly until: number }

/** `releaseAt`: of its message. */
export function standingOf(recipient: ShownRecipient, now: number, releaseAt: number | undefined): Standing {
  const { dueAt, gate } = recipient
  if (recipient.underway) return { kind: 'underway' }
  if (recipient.state === 'held') return { kind: 'held' }
  if (recipient.isSuspect) return { kind: 'suspect' }
  if (dueAt <= now) return { kind: 'due' }
  if (releaseAt !== undefined && dueAt === releaseAt) return { kind: 'scheduled', until: releaseAt }
  if (recipient.isKept) return { kind: 'kept' }
  return gate === undefined ? { kind: 'waiting', until: dueAt } : { kind: 'in-line', gate, until: dueAt }
}

/** What becomes of one that is held when it is released. */
export function describeRelease(message: Pick<QueuedMessage, 'id' | 'deliverBy'>, now: number): string {
  const command = `"postrider queue release ${formatQueueId(message.id)}"`
  return isTooLate(message, now)
    ? `The time by which its sender wanted it delivered is over: ${command} gives it back to the sender, undelivered.`
    : `${command} delivers it.`
}

/** For a table. */
export const standingWords: Readonly<Record<Standing['kind'], string>> = {
  underway: 'being delivered',
  held: 'held',
  suspect: 'due',
  scheduled: 'scheduled',
  kept: 'kept',
  'in-line': 'in line',
  due: 'due',
  waiting: 'waiting',
}
