// What counts as one receiver: the set of mail hosts, and not the domain in the address. A provider behind many domains is
// one, whose connections serve mail for all of them and whose limits hold for them together.
import { isIP } from 'node:net'
import { formatAddressLiteral } from '../address/address-literal.ts'
import type { ProviderKey } from '../delivery/replies/provider-key.ts'
import { lookupMailHosts } from '../dns/mail-hosts.ts'
import type { Resolver } from '../dns/resolver.ts'
import { hashText } from '../runtime/hash-text.ts'
import type { Random } from '../runtime/random.ts'
import type { Destination } from './destination.ts'

export interface Site {
  /** 'gmail' for a provider, 'mx1.example.org mx2.example.org' for the hosts of anybody else, or a domain. */
  readonly key: string
  /** Mail hosts, the preferred first; none where the DNS named none. A host that the settings or an administrator name. */
  readonly hosts: readonly string[]
  readonly provider?: ProviderKey | undefined
}

export type SiteFinder = (destination: Destination) => Promise<Site>

export interface SiteFinderOptions {
  readonly resolver: Resolver
  readonly random: Random
  /** The key of the provider whose mail host this is. */
  readonly providerOf: (host: string) => ProviderKey | undefined
  /** The settings have limits for this domain by its name: it is a receiver of its own, whoever has the same hosts. */
  readonly isNamed: (domain: string) => boolean
}

/** Longer keys are shortened: they stand with each recipient that waits. */
const maxKeyLength = 200

/** Never rejects: where the DNS does not say, the domain stands for itself, and whoever connects finds out why. */
export function createSiteFinder({ resolver, random, providerOf, isNamed }: SiteFinderOptions): SiteFinder {
  return async destination => {
    if (destination.kind !== 'domain') return { key: destination.key, hosts: hostsNamedBy(destination) }
    const { domain } = destination
    const found = await lookupMailHosts(resolver, domain, random)
    if (found.kind !== 'hosts') return { key: domain, hosts: [] }
    const hosts = found.hosts.map(({ host }) => host.toLowerCase())
    const provider = hosts[0] === undefined ? undefined : providerOf(hosts[0])
    // A rule for a host of this name is for all who have it.
    const isOfItsOwn = isNamed(domain) && !hosts.includes(domain)
    return { key: isOfItsOwn ? domain : (provider ?? keyOf(hosts)), hosts, provider }
  }
}

function hostsNamedBy(destination: Exclude<Destination, { kind: 'domain' }>): readonly string[] {
  switch (destination.kind) {
    case 'smart-host':
      return [nameOfHost(destination.smartHost.host)]
    case 'host':
      return [nameOfHost(destination.host)]
    case 'lmtp':
      return destination.store.kind === 'host' ? [nameOfHost(destination.store.host)] : []
    case 'literal':
      return []
    default:
      return destination satisfies never
  }
}

/** As rules for receivers name it: an address stands in brackets. */
export function nameOfHost(host: string): string {
  return isIP(host) === 0 ? host.toLowerCase() : formatAddressLiteral(host)
}

const namedHost = /^(?:smart-host|host|lmtp) \[?(.+?)\]?:\d+$/

/** Those that the key of a site tells: without a provider's. */
export function hostsOfKey(key: string): readonly string[] {
  if (key.startsWith('lmtp unix:')) return []
  const [, named] = namedHost.exec(key) ?? []
  return named === undefined ? key.split(' ') : [nameOfHost(named)]
}

function keyOf(hosts: readonly string[]): string {
  const key = hosts.toSorted().join(' ')
  return key.length <= maxKeyLength
    ? key
    : `${key.slice(0, maxKeyLength - 12)} ${hashText(key, key.length).toString(36)}`
}
