// What was signed lately: a message goes to many receivers at nearly the same time, and is hashed and signed once.
import type { Clock } from '../runtime/clock.ts'
import { RecentAnswers } from '../runtime/recent-answers.ts'

/** A key whose record is gone must not sign for much longer. */
const rememberedMs = 5 * 60_000
const maxRemembered = 1000

/** The key of an answer is the same for the same bytes and the same signer. */
export function createSigningMemory<Signed>(clock: Clock): RecentAnswers<Signed> {
  return new RecentAnswers({ clock, forMs: rememberedMs, most: maxRemembered })
}
