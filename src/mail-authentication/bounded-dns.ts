// What the checks of one message may ask of the DNS: not for ever, and not without end, whatever strangers have published.
import type { Answer } from '../dns/answer.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { Clock } from '../runtime/clock.ts'

/** Of the resolver, with its cache. */
export type AuthenticationDns = Pick<Resolver, 'txt' | 'a' | 'aaaa' | 'mx' | 'ptr' | 'cname'>

export interface BoundedDns extends AuthenticationDns {
  /** Nobody asks any more. */
  end(): void
}

export interface DnsBounds {
  /** For all questions together. RFC 7208 §4.6.4: at least 20 seconds. */
  readonly timeMs: number
  readonly maxQuestions: number
}

/**
 * When time or questions are used up, the answer is a temporary failure: to those under way, and to all that come. A name that
 * cannot be in the DNS is not asked about.
 */
export function boundDns(dns: AuthenticationDns, clock: Clock, bounds: DnsBounds): BoundedDns {
  const waiting = new Set<(answer: Answer<never>) => void>()
  let questions = 0
  let isOver = false
  const timer = clock.after(bounds.timeMs, () => {
    isOver = true
    for (const answer of waiting) answer(outOfTime)
    waiting.clear()
  })
  const bound =
    <Data>(ask: (name: string) => Promise<Answer<Data>>) =>
    async (name: string): Promise<Answer<Data>> => {
      if (!canBeAsked(name)) return { kind: 'no-such-domain' }
      if (isOver) return outOfTime
      if (++questions > bounds.maxQuestions) return tooManyQuestions
      return await new Promise<Answer<Data>>((resolve, reject) => {
        waiting.add(resolve)
        ask(name)
          .then(resolve, reject)
          .finally(() => waiting.delete(resolve))
      })
    }
  return {
    txt: bound(name => dns.txt(name)),
    a: bound(name => dns.a(name)),
    aaaa: bound(name => dns.aaaa(name)),
    mx: bound(name => dns.mx(name)),
    ptr: bound(name => dns.ptr(name)),
    cname: bound(name => dns.cname(name)),
    end: () => timer.cancel(),
  }
}

const outOfTime: Answer<never> = {
  kind: 'temporary-failure',
  detail: 'the DNS did not answer in the time that a message has',
}
const tooManyQuestions: Answer<never> = {
  kind: 'temporary-failure',
  detail: 'the message leads to more DNS questions than one message may ask',
}

const maxNameLength = 253
const maxLabelLength = 63

/** RFC 1035 §2.3.4 */
function canBeAsked(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= maxNameLength &&
    name.split('.').every(label => label.length > 0 && label.length <= maxLabelLength)
  )
}
