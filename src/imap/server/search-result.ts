// The result of SEARCH and SORT, with the options that the client wants it by (RFC 4731, 5182, 5267, 9394).
import type { SearchReturnOptions } from '../grammar/commands/search.ts'
import { takePage } from '../grammar/page.ts'
import type { NamedBy } from '../grammar/sequence-set.ts'
import { formatExtendedSearch } from '../responses/search.ts'
import type { Found, SearchRequest } from './mailbox-services.ts'

/** RFC 5182 §2.4, RFC 9394 §3.2: with MIN, MAX or PARTIAL and nothing else, only these. */
export function savesOf(returns: SearchReturnOptions | undefined): SearchRequest['saves'] {
  if (!returns?.save) return undefined
  const { min, max, all, count, page } = returns
  return all || count || !(min || max || page) ? 'all' : { min, max, page }
}

/** RFC 4731 §3.2: the highest of those that are told. */
export function modSeqOf({ modSeqs }: Found, wanted: SearchReturnOptions | undefined): number | undefined {
  const isOfEnds = wanted && (wanted.min || wanted.max) && !wanted.all && !wanted.count && !wanted.page
  const told = isOfEnds
    ? [...(wanted.min ? modSeqs.slice(0, 1) : []), ...(wanted.max ? modSeqs.slice(-1) : [])]
    : modSeqs
  return told.length === 0 ? undefined : told.reduce((highest, modSeq) => Math.max(highest, modSeq))
}

export interface ResultTerms {
  readonly tag: string
  readonly by: NamedBy
  readonly wanted: SearchReturnOptions
  readonly modSeq: number | undefined
}

/** Of a SORT, the first is the least, and the last the greatest (RFC 5267 §3.1). */
export function formatResult({ tag, by, wanted, modSeq }: ResultTerms, { numbers }: Found): string {
  const { min, max, all, count, page } = wanted
  // RFC 5182 §2.1: SAVE alone is answered by nothing.
  if (!min && !max && !all && !count && !page) return ''
  return formatExtendedSearch({
    tag,
    by,
    min: min ? numbers[0] : undefined,
    max: max ? numbers.at(-1) : undefined,
    all: all ? numbers : undefined,
    count: count ? numbers.length : undefined,
    page: page && { page, numbers: takePage(numbers, page) },
    modSeq,
  })
}
