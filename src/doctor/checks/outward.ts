// The way out: may this machine connect to port 25 of other servers at all? Many providers block it, and say so nowhere.

import { lookupMailHosts } from '../../dns/mail-hosts.ts'
import type { Resolver } from '../../dns/resolver.ts'
import { SmtpClientFailure } from '../../smtp/client/smtp-client-failure.ts'
import { allWell, error, found, notChecked, type Verdict } from '../finding.ts'
import type { OwnServer } from '../own-server.ts'
import { isWithoutWay } from '../without-way.ts'
import type { World } from '../world.ts'
import { type ClockOffset, readGreetingTime } from './clock.ts'
import { lookUpAddresses } from './names.ts'

/** Whoever is reached there tells only that the port is open: the connection is greeted and left. */
export const usualPeers: readonly string[] = ['gmail.com', 'outlook.com', 'yahoo.com']

export interface OutwardView {
  /** From which address; undefined: the system chose. */
  readonly source: string | undefined
  readonly attempts: readonly Attempt[]
}

export interface Attempt {
  /** 'gmail.com', or the smart host. */
  readonly peer: string
  readonly port: number
  readonly outcome:
    | { readonly kind: 'open'; readonly time: ClockOffset | undefined }
    | { readonly kind: 'closed'; readonly detail: string }
    /** Nothing is known of the port: the peer was not found, or this machine has no way to its network. */
    | { readonly kind: 'unknown'; readonly detail: string }
}

const timeoutMs = 10_000

/** The peers in turn, until one is reached. */
export async function observeOutward(
  world: Pick<World, 'resolver' | 'connect' | 'clock' | 'random'>,
  own: Pick<OwnServer, 'hostname' | 'mailPort' | 'smartHost' | 'ipv6'>,
  source: { readonly address: string; readonly helloName: string } | undefined,
  peers: readonly string[],
): Promise<OutwardView> {
  const attempts: Attempt[] = []
  const targets = own.smartHost
    ? [{ peer: own.smartHost.host, port: own.smartHost.port }]
    : peers.map(peer => ({ peer, port: own.mailPort }))
  for (const { peer, port } of targets) {
    const hosts = own.smartHost ? [peer] : await findHosts(world, peer)
    const outcome =
      typeof hosts === 'string'
        ? ({ kind: 'unknown', detail: hosts } as const)
        : await tryHosts(world, own, source, hosts, port)
    attempts.push({ peer, port, outcome })
    if (outcome.kind === 'open') break
  }
  return { source: source?.address, attempts }
}

async function findHosts(
  { resolver, random }: Pick<World, 'resolver' | 'random'>,
  peer: string,
): Promise<readonly string[] | string> {
  const found = await lookupMailHosts(resolver, peer, random)
  if (found.kind === 'hosts') return found.hosts.map(({ host }) => host)
  return found.kind === 'temporary-failure' ? found.detail : `${peer} has no mail host`
}

async function tryHosts(
  { resolver, connect, clock }: Pick<World, 'resolver' | 'connect' | 'clock'>,
  { hostname, ipv6 }: Pick<OwnServer, 'hostname' | 'ipv6'>,
  source: { readonly address: string; readonly helloName: string } | undefined,
  hosts: readonly string[],
  port: number,
): Promise<Attempt['outcome']> {
  const addresses = await addressesFor(resolver, hosts, source?.address, ipv6)
  if (typeof addresses === 'string') return { kind: 'unknown', detail: addresses }
  let closed: string | undefined
  let noWay: string | undefined
  for (const { host, address } of addresses) {
    let greeting = ''
    let greetedAt = 0
    try {
      const connection = await connect({
        host,
        address,
        port,
        localAddress: source?.address,
        helloName: source?.helloName ?? hostname,
        tls: port === 465 ? 'implicit' : 'never',
        verifyCertificate: false,
        connectTimeoutMs: timeoutMs,
        commandTimeoutMs: timeoutMs,
        clock,
        onDialogue(line) {
          if (greetedAt !== 0 || !line.startsWith('S: ')) return
          greeting = line
          greetedAt = clock.now()
        },
      })
      await connection.quit()
      return { kind: 'open', time: readGreetingTime(host, greeting, greetedAt) }
    } catch (cause) {
      if (!(cause instanceof SmtpClientFailure)) throw cause
      // Whoever refuses us with words has been reached.
      if (cause.facts.stage !== 'connect')
        return { kind: 'open', time: readGreetingTime(host, greeting, greetedAt) }
      if (isWithoutWay(cause)) noWay = cause.facts.detail
      else closed = cause.facts.detail
    }
  }
  return closed === undefined
    ? { kind: 'unknown', detail: noWay ?? 'nobody was tried' }
    : { kind: 'closed', detail: closed }
}

interface HostAddress {
  readonly host: string
  readonly address: string
}

/** Two hosts are enough, an address of each kind. */
const maxHosts = 2

async function addressesFor(
  resolver: Pick<Resolver, 'a' | 'aaaa'>,
  hosts: readonly string[],
  source: string | undefined,
  ipv6: boolean,
): Promise<readonly HostAddress[] | string> {
  const found: HostAddress[] = []
  let failure = 'its mail hosts have no address of the kind that this machine sends from'
  for (const host of hosts.slice(0, maxHosts)) {
    const addresses = await lookUpAddresses(resolver, host)
    if (addresses.kind === 'unknown') failure = addresses.detail
    const all = addresses.kind === 'some' ? addresses.addresses : []
    for (const isIpv6 of [false, true]) {
      const mayBeUsed = source === undefined ? ipv6 || !isIpv6 : source.includes(':') === isIpv6
      const address = all.find(one => one.includes(':') === isIpv6)
      if (mayBeUsed && address !== undefined) found.push({ host, address })
    }
  }
  return found.length > 0 ? found : failure
}

export function judgeOutward({ source, attempts }: OutwardView, own: Pick<OwnServer, 'smartHost'>): Verdict {
  if (attempts.some(({ outcome }) => outcome.kind === 'open')) return allWell
  const from = source === undefined ? '' : ` from ${source}`
  const closed = attempts.flatMap(({ peer, port, outcome }) =>
    outcome.kind === 'closed' ? [`${peer} port ${port}: ${outcome.detail}`] : [],
  )
  if (closed.length === 0)
    return notChecked(
      `whether the way out${from} is open: ${attempts.map(({ peer, outcome }) => (outcome.kind === 'unknown' ? `${peer}: ${outcome.detail}` : '')).join('; ')}`,
    )
  if (own.smartHost)
    return found(
      error(
        'smart-host-closed',
        `The smart host, through which all mail leaves, is not reached${from}: ${closed.join('; ')}.`,
        'No mail leaves for other servers: it waits, and comes back to its senders in the end.',
        'See host and port in [delivery.smartHost], and the firewall of this machine and of its provider.',
      ),
    )
  return found(
    error(
      'way-out-closed',
      `No other server is reached${from}: ${closed.join('; ')}. Most likely the provider of this machine blocks port 25.`,
      'No mail leaves for other servers: it waits, and comes back to its senders in the end.',
      'Ask the provider to open port 25 outwards (many do on request), or send through a smart host: [delivery.smartHost] in the settings.',
    ),
  )
}
