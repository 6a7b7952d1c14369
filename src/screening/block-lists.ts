// Lists of addresses in the DNS that somebody keeps: of those that send spam, and of those that do not (RFC 5782).
import type { Resolver } from '../dns/resolver.ts'
import { reverseLabels } from '../dns/reverse-labels.ts'
import type { ScoreLine } from './score.ts'

export interface AddressList {
  /** 'zen.spamhaus.org' */
  readonly zone: string
  /** Below 0 for a list of good senders. */
  readonly points: number
  /** Which answers count: '127.0.0.2', '127.0.*.3'; none: all do. */
  readonly answers: readonly string[]
}

export type Listing =
  | {
      readonly kind: 'listed'
      readonly zone: string
      readonly answers: readonly string[]
      readonly points: number
      readonly text?: string | undefined
    }
  | { readonly kind: 'not-listed'; readonly zone: string }
  /** Nobody answered, or the list says that it does not answer this resolver: it has said nothing of the address. */
  | { readonly kind: 'no-answer'; readonly zone: string; readonly detail: string }

/** Never rejects. In the order of the lists. */
export async function askAddressLists(
  resolver: Pick<Resolver, 'a' | 'txt'>,
  lists: readonly AddressList[],
  address: string,
): Promise<readonly Listing[]> {
  return await Promise.all(lists.map(list => ask(resolver, list, address)))
}

async function ask(
  resolver: Pick<Resolver, 'a' | 'txt'>,
  { zone, points, answers }: AddressList,
  address: string,
): Promise<Listing> {
  const name = `${reverseLabels(address)}.${zone}`
  const answer = await resolver.a(name)
  if (answer.kind === 'temporary-failure') return { kind: 'no-answer', zone, detail: answer.detail }
  if (answer.kind !== 'found') return { kind: 'not-listed', zone }
  const refusal = answer.records.find(isRefusal)
  if (refusal !== undefined)
    return {
      kind: 'no-answer',
      zone,
      detail: `the list answered ${refusal}: it does not serve this resolver. Public resolvers are refused by most lists; ask from a resolver of your own, or remove the list from the settings`,
    }
  // RFC 5782 §2.1: anything else is no entry, but a zone that somebody has taken over.
  const counted = answer.records.filter(
    record =>
      record.startsWith('127.') && (answers.length === 0 || answers.some(answer => isLike(record, answer))),
  )
  if (counted.length === 0) return { kind: 'not-listed', zone }
  const text = await resolver.txt(name)
  return {
    kind: 'listed',
    zone,
    points,
    answers: counted,
    ...(text.kind === 'found' && text.records[0] !== undefined
      ? { text: text.records[0].slice(0, 200) }
      : {}),
  }
}

function isLike(record: string, answer: string): boolean {
  const parts = record.split('.')
  return answer.split('.').every((part, index) => part === '*' || part === parts[index])
}

/** By convention of the large lists: 127.255.255.252 a mistake in the zone's name, .254 a public resolver, .255 too many questions. */
function isRefusal(answer: string): boolean {
  return answer.startsWith('127.255.255.')
}

export function linesOfListings(listings: readonly Listing[]): readonly ScoreLine[] {
  return listings.flatMap(listing =>
    listing.kind === 'listed'
      ? [
          {
            source: listing.zone,
            name: `listed as ${listing.answers.join(', ')}`,
            points: listing.points,
            ...(listing.text === undefined ? {} : { detail: listing.text }),
          },
        ]
      : [],
  )
}
