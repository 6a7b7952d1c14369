// Which hosts take the mail of a domain (RFC 5321 §5.1, RFC 7505).
import type { Random } from '../runtime/random.ts'
import type { MailExchange } from './answer.ts'
import type { Resolver } from './resolver.ts'

export interface MailHost {
  readonly host: string
  readonly preference: number
}

export type MailHosts =
  /** In the order in which they are to be tried: by preference, at random among equals. */
  | {
      readonly kind: 'hosts'
      readonly hosts: readonly MailHost[]
      /** The DNS proves that these are the hosts (DNSSEC). */
      readonly isAuthentic?: true | undefined
    }
  /** The domain says that it takes no mail at all (RFC 7505). */
  | { readonly kind: 'null-mx' }
  | { readonly kind: 'no-such-domain' }
  /** The domain exists, and names no host for mail. */
  | { readonly kind: 'no-hosts' }
  | { readonly kind: 'temporary-failure'; readonly detail: string }

export async function lookupMailHosts(
  resolver: Resolver,
  domain: string,
  random: Random,
): Promise<MailHosts> {
  const answer = await resolver.mx(domain)
  switch (answer.kind) {
    case 'found':
      return withProof(orderExchanges(answer.records, random), answer.isAuthentic)
    case 'temporary-failure':
      return answer
    case 'no-such-domain':
      return { kind: 'no-such-domain' }
    case 'no-data':
      // Whoever could hide MX records could lead the mail to the domain's own address instead.
      return withProof(await lookupImplicitHost(resolver, domain), answer.isAuthentic)
    default:
      return answer satisfies never
  }
}

function withProof(found: MailHosts, isAuthentic: true | undefined): MailHosts {
  return found.kind === 'hosts' && isAuthentic ? { ...found, isAuthentic } : found
}

function orderExchanges(records: readonly MailExchange[], random: Random): MailHosts {
  const [only] = records
  if (records.length === 1 && only?.exchange === '') return { kind: 'null-mx' }
  const preferences = new Map<string, number>()
  for (const { exchange, preference } of records) {
    // RFC 7505 §3: next to others it means nothing.
    if (exchange === '') continue
    preferences.set(exchange, Math.min(preference, preferences.get(exchange) ?? preference))
  }
  const hosts = [...preferences].map(([host, preference]) => ({ host, preference, lot: random.fraction() }))
  hosts.sort((a, b) => a.preference - b.preference || a.lot - b.lot)
  if (hosts.length === 0) return { kind: 'null-mx' }
  return { kind: 'hosts', hosts: hosts.map(({ host, preference }) => ({ host, preference })) }
}

/** Without MX records the domain itself is its mail host, if it has an address (RFC 5321 §5.1). */
async function lookupImplicitHost(resolver: Resolver, domain: string): Promise<MailHosts> {
  const answers = await Promise.all([resolver.a(domain), resolver.aaaa(domain)])
  if (answers.some(answer => answer.kind === 'found'))
    return { kind: 'hosts', hosts: [{ host: domain, preference: 0 }] }
  const failure = answers.find(answer => answer.kind === 'temporary-failure')
  return failure ?? { kind: 'no-hosts' }
}
