// The servers of a destination, in the order in which they are to be tried (RFC 5321 §5.1, RFC 7505).
import { isIP } from 'node:net'
import type { SmartHostSettings } from '../config/settings.ts'
import type { Diagnosis } from '../delivery/outcome.ts'
import type { Answer } from '../dns/answer.ts'
import { lookupMailHosts, type MailHost } from '../dns/mail-hosts.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { Random } from '../runtime/random.ts'
import type { Lookup } from '../trail/events.ts'
import { type Destination, formatLmtpStore, type LmtpStore } from './destination.ts'
import type { OwnEndpoints } from './own-endpoints.ts'
import type { RemoteServer } from './remote-server.ts'

export type ServerLookup =
  /** At least one. `lookup`: for the trail. */
  { readonly kind: 'servers'; readonly servers: readonly RemoteServer[]; readonly lookup: Lookup } | FoundNone

export interface FoundNone {
  readonly kind: 'deferred' | 'failed'
  readonly diagnosis: Diagnosis
  /** The mail hosts that the DNS named. */
  readonly hosts: readonly string[]
  readonly lookup?: Lookup | undefined
}

export type ServerFinder = (destination: Destination) => Promise<ServerLookup>

export interface ServerFinderOptions {
  readonly resolver: Resolver
  readonly own: OwnEndpoints
  readonly random: Random
  /** Where mail hosts listen. */
  readonly port: number
  readonly ipv6: boolean
}

/** A stranger's DNS decides how many servers there are: an attempt must come to an end all the same. */
const maxHosts = 20
const maxServers = 30

export function createServerFinder(options: ServerFinderOptions): ServerFinder {
  const { own, port } = options
  return async destination => {
    switch (destination.kind) {
      case 'domain':
        return destination.isRelayed
          ? keepWaiting(await findByDomain(options, destination.domain), destination.domain)
          : await findByDomain(options, destination.domain)
      case 'literal': {
        const { address } = destination
        return own.isOwnAddress(address, port)
          ? failed('own-mx', '5.3.5', `${destination.domain} is this server, which has no such domain`, [])
          : {
              kind: 'servers',
              servers: [{ host: address, address, port }],
              lookup: { by: 'literal', name: address, hosts: [] },
            }
      }
      case 'smart-host':
        return await findSmartHost(options, destination.smartHost)
      case 'host':
        return await findNamedHost(options, destination)
      case 'lmtp':
        return await findStore(options, destination.store)
      default:
        return destination satisfies never
    }
  }
}

/** Of a domain that is relayed: what is wrong with its DNS is for its administrator to mend, and its mail waits for that. */
function keepWaiting(lookup: ServerLookup, domain: string): ServerLookup {
  if (lookup.kind !== 'failed') return lookup
  const { cause, detail } = lookup.diagnosis
  const isOwn = cause === 'own-mx'
  const met = isOwn ? `the MX records of ${domain} lead to no server before this one` : detail
  return deferred('relay-dns', isOwn ? '4.4.1' : '4.4.4', met, lookup.hosts)
}

async function findByDomain(options: ServerFinderOptions, domain: string): Promise<ServerLookup> {
  const found = await lookupMailHosts(options.resolver, domain, options.random)
  switch (found.kind) {
    case 'hosts':
      return await findAddresses(options, domain, found.hosts.slice(0, maxHosts), found.isAuthentic === true)
    case 'null-mx':
      return failed('null-mx', '5.1.10', `${domain} says in the DNS that it takes no mail (null MX)`, [])
    case 'no-such-domain':
      return failed('unknown-domain', '5.1.2', `the domain ${domain} does not exist`, [])
    case 'no-hosts':
      return failed('unknown-domain', '5.4.4', `${domain} names no mail host (no MX, no address)`, [])
    case 'temporary-failure':
      return deferred('dns-failure', '4.4.3', found.detail, [])
    default:
      return found satisfies never
  }
}

interface HostAddresses extends MailHost {
  readonly servers: readonly RemoteServer[]
  readonly failure?: string | undefined
}

async function findAddresses(
  options: ServerFinderOptions,
  domain: string,
  hosts: readonly MailHost[],
  isAuthentic: boolean,
): Promise<ServerLookup> {
  const names = hosts.map(({ host }) => host)
  const all = await Promise.all(hosts.map(host => resolveHost(options, host, isAuthentic)))
  const usable = all.slice(0, firstBehindUs(options.own, all))
  if (usable.length === 0) {
    return failed(
      'own-mx',
      '5.3.5',
      `the DNS sends mail for ${domain} to this server, which has no such domain: add it ("postrider domain create ${domain}"), or correct its MX record`,
      names,
    )
  }
  const servers = usable.flatMap(host => host.servers).slice(0, maxServers)
  const lookup: Lookup = { by: 'mx', name: domain, hosts: all.map(describeHost) }
  if (servers.length > 0) return { kind: 'servers', servers, lookup }
  const failure = usable.find(host => host.failure !== undefined)?.failure
  if (failure !== undefined) return { ...deferred('dns-failure', '4.4.3', failure, names), lookup }
  if (!options.ipv6 && (await areOnlyInIpv6(options.resolver, names))) {
    // What is wrong is wrong here: the mail waits until it is mended.
    const detail = `the mail hosts of ${domain} have IPv6 addresses only, which delivery.ipv6 = false rules out: ${names.join(', ')}`
    return deferred('no-ipv6', '4.4.4', detail, names)
  }
  return failed(
    'broken-mx',
    '5.4.4',
    `the mail hosts of ${domain} have no address: ${names.join(', ')}`,
    names,
  )
}

/** The server that the DNS prefers for the domain has the name of this one. */
export function leadsToNamesake(
  { domain, isRelayed }: Extract<Destination, { kind: 'domain' }>,
  { host, name }: { readonly host: string; readonly name: string },
): FoundNone {
  const met = `${host}, to which the DNS sends mail for ${domain}, calls itself ${name}, as this server does`
  const other = 'if it is another one, give each a hostname of its own'
  return isRelayed
    ? deferred(
        'relay-dns',
        '4.4.1',
        `${met}: if it is this one, the domain needs an MX record before it; ${other}`,
        [],
      )
    : failed(
        'own-mx',
        '5.3.5',
        `${met}: if it is this one, add the domain ("postrider domain create ${domain}"), or correct its MX record; ${other}`,
        [],
      )
}

function describeHost({ host, preference, servers }: HostAddresses): Lookup['hosts'][number] {
  return { host, preference, addresses: servers.map(({ address }) => address) }
}

async function areOnlyInIpv6(resolver: Resolver, hosts: readonly string[]): Promise<boolean> {
  const answers = await Promise.all(hosts.map(host => resolver.aaaa(host)))
  return answers.some(answer => answer.kind === 'found')
}

/**
 * RFC 5321 §5.1: a host that is ourselves, and every one that is not preferred to it, is left out: who follows these
 * would hand the mail back. `hosts` are in order; the result is how many of them are left.
 */
function firstBehindUs(own: OwnEndpoints, hosts: readonly HostAddresses[]): number {
  const ourselves = hosts.find(
    ({ host, servers }) =>
      own.isOwnName(host) || servers.some(({ address, port }) => own.isOwnAddress(address, port)),
  )
  return ourselves ? hosts.findIndex(({ preference }) => preference === ourselves.preference) : hosts.length
}

async function resolveHost(
  options: ServerFinderOptions,
  { host, preference }: MailHost,
  isAuthentic: boolean,
): Promise<HostAddresses> {
  const { addresses, failure, answers } = await resolveAddresses(options, host)
  const { port, resolver } = options
  const tlsaBases = isAuthentic ? await findTlsaBases(resolver, host, answers) : []
  const proof = tlsaBases.length > 0 ? { tlsaBases } : {}
  return {
    host,
    preference,
    servers: addresses.map(address => ({ host, address, port, ...proof })),
    failure,
  }
}

/** RFC 7672 §2.2.2, §2.2.3; none where the DNS proves nothing about the host. */
async function findTlsaBases(
  resolver: Resolver,
  host: string,
  answers: readonly Answer<string>[],
): Promise<readonly string[]> {
  const found = answers.flatMap(answer => (answer.kind === 'found' ? [answer] : []))
  const leadsTo = found.find(answer => answer.leadsTo !== undefined)?.leadsTo
  if (found.length > 0 && found.every(({ isAuthentic }) => isAuthentic))
    return leadsTo === undefined ? [host] : [leadsTo, host]
  // The alias may be proven where what it leads to is not.
  if (leadsTo === undefined) return []
  const alias = await resolver.cname(host)
  return alias.kind === 'found' && alias.isAuthentic ? [host] : []
}

async function findSmartHost(
  options: ServerFinderOptions,
  smartHost: SmartHostSettings,
): Promise<ServerLookup> {
  const { host, port } = smartHost
  const { addresses, failure } = await findAddressesOf(options, host)
  // What is wrong with a smart host is wrong in our settings: the mail waits until it is mended.
  if (addresses.length === 0) {
    return deferred('smart-host', '4.4.3', failure ?? `the smart host ${host} has no address`, [host])
  }
  if (addresses.some(address => options.own.isOwnAddress(address, port))) {
    return deferred('smart-host', '4.4.6', `the smart host ${host} port ${port} is this server itself`, [
      host,
    ])
  }
  return {
    kind: 'servers',
    servers: addresses.map(address => ({ host, address, port, isSmartHost: true })),
    lookup: { by: 'smart-host', name: `${host}:${port}`, hosts: [{ host, addresses }] },
  }
}

/** An administrator named it: what is wrong with it is mended by naming another one, so the mail waits. */
async function findNamedHost(
  options: ServerFinderOptions,
  { host, port }: Extract<Destination, { kind: 'host' }>,
): Promise<ServerLookup> {
  const { addresses, failure, exists } = await findAddressesOf(options, host)
  if (addresses.length === 0) {
    if (failure !== undefined) return deferred('dns-failure', '4.4.3', failure, [host])
    const lacks = exists ? 'has no address in the DNS' : 'does not exist in the DNS (NXDOMAIN)'
    const detail = `the host ${host}, to which an administrator sends this mail, ${lacks}`
    return deferred('unknown-host', '4.4.4', detail, [host])
  }
  if (addresses.some(address => options.own.isOwnAddress(address, port))) {
    const detail = `an administrator sends this mail to ${host} port ${port}, which is this server itself`
    return deferred('loop', '4.4.6', detail, [host])
  }
  return {
    kind: 'servers',
    servers: addresses.map(address => ({ host, address, port })),
    lookup: { by: 'rerouted', name: `${host}:${port}`, hosts: [{ host, addresses }] },
  }
}

/** What is wrong with it is wrong in our settings, or with a server of ours: the mail waits until it is mended. */
async function findStore(options: ServerFinderOptions, store: LmtpStore): Promise<ServerLookup> {
  const name = formatLmtpStore(store)
  if (store.kind === 'socket') {
    const { path } = store
    const server = { host: 'localhost', address: path, port: 0, path, isStore: true }
    return { kind: 'servers', servers: [server], lookup: { by: 'lmtp', name, hosts: [] } }
  }
  const { host, port } = store
  const { addresses, failure } = await findAddressesOf(options, host)
  if (addresses.length === 0)
    return deferred('dns-failure', '4.4.3', failure ?? `the LMTP server ${host} has no address`, [host])
  if (addresses.some(address => options.own.isOwnAddress(address, port)))
    return deferred('loop', '4.4.6', `the LMTP server ${host} port ${port} is this server itself`, [host])
  return {
    kind: 'servers',
    servers: addresses.map(address => ({ host, address, port, isStore: true })),
    lookup: { by: 'lmtp', name, hosts: [{ host, addresses }] },
  }
}

/** Of a host that somebody has named: it may be an address itself. */
async function findAddressesOf(
  options: ServerFinderOptions,
  host: string,
): Promise<{
  readonly addresses: readonly string[]
  readonly failure?: string | undefined
  readonly exists: boolean
}> {
  if (isIP(host) !== 0) return { addresses: [host], exists: true }
  const { addresses, failure, answers } = await resolveAddresses(options, host)
  return { addresses, failure, exists: !answers.some(answer => answer.kind === 'no-such-domain') }
}

/** IPv6 before IPv4 (RFC 6724 §2.1); among each the order of the DNS, which RFC 5321 §5.1 says to keep. */
async function resolveAddresses(
  { resolver, ipv6 }: ServerFinderOptions,
  host: string,
): Promise<{
  readonly addresses: readonly string[]
  readonly failure: string | undefined
  readonly answers: readonly Answer<string>[]
}> {
  const answers = await Promise.all(ipv6 ? [resolver.aaaa(host), resolver.a(host)] : [resolver.a(host)])
  return {
    addresses: answers.flatMap(answer => (answer.kind === 'found' ? answer.records : [])),
    failure: answers.find(answer => answer.kind === 'temporary-failure')?.detail,
    answers,
  }
}

function failed(
  cause: Diagnosis['cause'],
  status: string,
  detail: string,
  hosts: readonly string[],
): FoundNone {
  return { kind: 'failed', diagnosis: { stage: 'dns', cause, status, detail }, hosts }
}

function deferred(
  cause: Diagnosis['cause'],
  status: string,
  detail: string,
  hosts: readonly string[],
): FoundNone {
  return { kind: 'deferred', diagnosis: { stage: 'dns', cause, status, detail }, hosts }
}
