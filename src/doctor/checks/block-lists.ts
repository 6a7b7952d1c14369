// Block lists (RFC 5782): is an address from which we send on one, or a domain of ours? A list that does not answer as lists do is
// not believed.
import type { Resolver } from '../../dns/resolver.ts'
import { type AddressList, askAddressLists, type Listing } from '../../screening/block-lists.ts'
import { allWell, error, found, joinVerdicts, notChecked, type Verdict } from '../finding.ts'
import type { World } from '../world.ts'

/** Of those that large receivers use, and that anybody may ask a few times a day. */
export const usualAddressLists: readonly string[] = ['zen.spamhaus.org', 'bl.spamcop.net', 'psbl.surriel.com']
export const usualDomainLists: readonly string[] = ['dbl.spamhaus.org', 'multi.surbl.org']

export interface ListsView {
  /** The address or the domain. */
  readonly subject: string
  readonly listings: readonly Listing[]
}

/** §5: must be on every list of addresses, and must be on none. */
const alwaysListed = '127.0.0.2'
const neverListed = '127.0.0.1'

export async function observeAddressLists(
  { resolver }: Pick<World, 'resolver'>,
  lists: readonly AddressList[],
  address: string,
): Promise<ListsView> {
  const listings = await Promise.all(
    lists.map(async list => {
      const { zone } = list
      const [own] = await askAddressLists(resolver, [list], address)
      if (own?.kind !== 'listed') {
        const [test] = await askAddressLists(resolver, [asList(zone)], alwaysListed)
        if (own?.kind === 'no-answer' || test?.kind === 'listed') return own
        return noAnswer(zone, test?.kind === 'no-answer' ? test.detail : listsNothing)
      }
      const [none] = await askAddressLists(resolver, [asList(zone)], neverListed)
      return none?.kind === 'listed' ? noAnswer(zone, listsAll) : own
    }),
  )
  return { subject: address, listings: listings.filter(one => one !== undefined) }
}

const listsNothing = 'it does not even list what every list has to'
const listsAll = 'it lists what no list may; perhaps it has ended'

/** §5: 'invalid' is on no list of domains, and 'test' on each; but some have an entry of their own for that instead. */
const testDomains: Readonly<Record<string, string>> = {
  'dbl.spamhaus.org': 'dbltest.com',
  'multi.surbl.org': 'test.surbl.org',
}

export async function observeDomainLists(
  { resolver }: Pick<World, 'resolver'>,
  zones: readonly string[],
  domain: string,
): Promise<ListsView> {
  const listings = await Promise.all(
    zones.map(async zone => {
      const own = await askDomainList(resolver, zone, domain)
      if (own.kind === 'no-answer') return own
      if (own.kind !== 'listed') {
        const test = await askDomainList(resolver, zone, testDomains[zone] ?? 'test')
        if (test.kind === 'listed') return own
        return noAnswer(zone, test.kind === 'no-answer' ? test.detail : listsNothing)
      }
      const none = await askDomainList(resolver, zone, 'invalid')
      return none.kind === 'listed' ? noAnswer(zone, listsAll) : own
    }),
  )
  return { subject: domain, listings }
}

async function askDomainList(
  resolver: Pick<Resolver, 'a' | 'txt'>,
  zone: string,
  domain: string,
): Promise<Listing> {
  const name = `${domain}.${zone}`
  const answer = await resolver.a(name)
  if (answer.kind === 'temporary-failure') return noAnswer(zone, answer.detail)
  const answers = answer.kind === 'found' ? answer.records.filter(record => record.startsWith('127.')) : []
  if (answers.length === 0) return { kind: 'not-listed', zone }
  // By convention: 127.255.255.x and 127.0.0.1 say that this resolver is not served, 127.0.1.255 that the question is none.
  if (answers.some(one => one.startsWith('127.255.') || one === '127.0.0.1' || one === '127.0.1.255'))
    return noAnswer(zone, `it answered ${answers.join(', ')}: it does not serve this resolver`)
  const text = await resolver.txt(name)
  const [words] = text.kind === 'found' ? text.records : []
  return {
    kind: 'listed',
    zone,
    answers,
    points: 1,
    ...(words === undefined ? {} : { text: words.slice(0, 200) }),
  }
}

/** All of its answers count. */
export function asList(zone: string): AddressList {
  return { zone, points: 1, answers: [] }
}

function noAnswer(zone: string, detail: string): Listing {
  return { kind: 'no-answer', zone, detail }
}

export function judgeLists({ subject, listings }: ListsView): Verdict {
  return joinVerdicts(
    listings.map(listing => {
      if (listing.kind === 'not-listed') return allWell
      if (listing.kind === 'no-answer') return notChecked(`${listing.zone}: ${listing.detail}`)
      const words = listing.text === undefined ? '' : `, and it says: "${listing.text}"`
      return found(
        error(
          'listed',
          `${subject} is on the block list ${listing.zone} (${listing.answers.join(', ')}${words}).`,
          'Receivers that use this list refuse mail from there, or take it for spam.',
          `First find and stop what it was listed for ("postrider alerts", "postrider queue list"); then ask the list to remove it, at the web site of ${listing.zone}.`,
        ),
      )
    }),
  )
}
