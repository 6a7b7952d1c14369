// A message that comes as of one of ours, which nothing proves: has anybody brought it who may speak for him?
import type { AuthenticationEvidence } from './evidence.ts'

/** The address of ours for which neither a proof stands, nor a trusted sealer, nor a list that its owner uses himself, and all who get this. */
export function findUnspokenOwn({ arc, forwarder, unprovenOwn }: AuthenticationEvidence): string | undefined {
  return arc?.trusted !== undefined || forwarder?.isUsedByAuthor ? undefined : unprovenOwn
}
