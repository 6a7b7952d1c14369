// What the checks of one message may ask of the DNS: not for ever, and not without end, whatever strangers have published.
import type { Answer } from '../dns/answer.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { Clock } from '../runtime/clock.ts'

/** Of the resolver, with its cache; each of its answers comes within its own time limit. */
export type AuthenticationDns = Pick<Resolver, 'txt' | 'a' | 'aaaa' | 'mx' | 'ptr' | 'cname'>

export interface DnsBounds {
  /** From the first question to the last, or since it was renewed. RFC 7208 §4.6.4: at least 20 seconds. */
  readonly timeMs: number
  readonly maxQuestions: number
}

export interface BoundDns extends AuthenticationDns {
  /** The time begins anew, since what has passed was that of a client who sends slowly, and not of the DNS; the questions do not. */
  renew(): void
}

/**
 * When time or questions are used up, the answer to all that come is a temporary failure. A name that cannot be in the DNS is
 * not asked about.
 */
export function boundDns(
  dns: AuthenticationDns,
  clock: Pick<Clock, 'now'>,
  { timeMs, maxQuestions }: DnsBounds,
): BoundDns {
  let until = clock.now() + timeMs
  let questions = 0
  // No promise of its own: most answers are remembered ones, and each message asks for a dozen.
  const bound =
    <Data>(ask: (name: string) => Promise<Answer<Data>>) =>
    (name: string): Promise<Answer<Data>> => {
      if (!canBeAsked(name)) return noSuchDomain
      if (++questions > maxQuestions) return tooManyQuestions
      return clock.now() < until ? ask(name) : outOfTime
    }
  return {
    txt: bound(dns.txt),
    a: bound(dns.a),
    aaaa: bound(dns.aaaa),
    mx: bound(dns.mx),
    ptr: bound(dns.ptr),
    cname: bound(dns.cname),
    renew() {
      until = clock.now() + timeMs
    },
  }
}

const noSuchDomain = Promise.resolve<Answer<never>>({ kind: 'no-such-domain' })
const outOfTime = Promise.resolve<Answer<never>>({
  kind: 'temporary-failure',
  detail: 'the DNS did not answer in the time that a message has',
})
const tooManyQuestions = Promise.resolve<Answer<never>>({
  kind: 'temporary-failure',
  detail: 'the message leads to more DNS questions than one message may ask',
})

const maxNameLength = 253
const maxLabelLength = 63

/** RFC 1035 §2.3.4: no label is empty, none too long. */
function canBeAsked(name: string): boolean {
  if (name.length > maxNameLength) return false
  let start = 0
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', start)) {
    if (!canBeLabel(dot - start)) return false
    start = dot + 1
  }
  return canBeLabel(name.length - start)
}

function canBeLabel(length: number): boolean {
  return length > 0 && length <= maxLabelLength
}
