// From which addresses of this machine a message may leave.
import { isIP } from 'node:net'
import type { SourcePoolSettings, SourceSettings } from '../../config/settings.ts'
import { classOfMessage } from '../../queue/message-class.ts'
import type { QueuedMessage } from '../../queue/records.ts'
import type { ServerLookup } from '../../routing/find-servers.ts'
import type { RemoteServer } from '../../routing/remote-server.ts'
import type { Site } from '../../routing/site.ts'
import { matchesDestination, matchesSender } from './match-mail.ts'

/** One of our addresses; without `address` the system chooses, for each connection. */
export interface Source extends Omit<SourceSettings, 'address'> {
  readonly address?: string | undefined
}

export interface SourcePool {
  /** undefined: that of the system. */
  readonly name?: string | undefined
  readonly sources: Sources
}

/** At least one. */
export type Sources = readonly [Source, ...Source[]]

const ofSystem: SourcePool = { sources: [{ warmUp: false }] }

/** `domain`: of the recipient, for pools that name it. */
export function poolFor(
  pools: readonly SourcePoolSettings[],
  message: Pick<QueuedMessage, 'reversePath' | 'isReport' | 'isBulk'>,
  site: Site,
  domain: string,
): SourcePool {
  const fits = ({ senders, destinations, classes }: SourcePoolSettings): boolean =>
    isAny(senders, text => matchesSender(text, message)) &&
    isAny(destinations, text => matchesDestination(text, site, domain)) &&
    isAny(classes, one => one === classOfMessage(message))
  return pools.find(fits) ?? ofSystem
}

/** A list that is empty stands for everything. */
function isAny<Item>(items: readonly Item[], is: (item: Item) => boolean): boolean {
  return items.length === 0 || items.some(is)
}

/** From an IPv4 address only IPv4 addresses are reached, and likewise with IPv6. */
function reaches(source: Source, server: Pick<RemoteServer, 'address'>): boolean {
  return source.address === undefined || isIP(source.address) === isIP(server.address)
}

/** Those of a pool from which one of the servers can be reached; all, where that is so of none, or nobody knows. */
export function sourcesTo(pool: SourcePool, lookup: ServerLookup): Sources {
  if (lookup.kind !== 'servers') return pool.sources
  const [first, ...more] = pool.sources.filter(source =>
    lookup.servers.some(server => reaches(source, server)),
  )
  return first ? [first, ...more] : pool.sources
}

/** What is left of the servers, from there. */
export function serversFrom(source: Source, lookup: ServerLookup): ServerLookup {
  if (lookup.kind !== 'servers') return lookup
  const servers = lookup.servers.filter(server => reaches(source, server))
  if (servers.length > 0) return { ...lookup, servers }
  const hosts = [...new Set(lookup.servers.map(({ host }) => host))]
  const [own, other] = isIP(source.address ?? '') === 4 ? ['IPv4', 'IPv6'] : ['IPv6', 'IPv4']
  const detail = `${hosts.join(', ')} can be reached by ${other} only, and ${source.address}, from which this mail leaves, is an ${own} address: add an ${other} address to its pool (delivery.sourcePools)`
  // What is wrong is wrong here: the mail waits until it is mended.
  return {
    kind: 'deferred',
    diagnosis: { stage: 'routing', cause: 'no-source', status: '4.4.4', detail },
    hosts,
    lookup: lookup.lookup,
  }
}
