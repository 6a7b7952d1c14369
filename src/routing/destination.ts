// Where mail leaves this server to: the mail hosts of a domain, an address literal, the smart host, or mailboxes behind LMTP.
import { formatEndpoint } from '../address/format-endpoint.ts'
import type { SmartHostSettings } from '../config/settings.ts'

export type Destination =
  /** By MX (RFC 5321 §5.1). */
  | {
      readonly kind: 'domain'
      readonly key: string
      readonly domain: string
      /** This server relays for the domain: its mail waits, whatever is wrong with its DNS. */
      readonly isRelayed?: boolean | undefined
    }
  /** `address` without brackets and tag: '192.0.2.1', '2001:db8::1' (RFC 5321 §4.1.3). */
  | { readonly kind: 'literal'; readonly key: string; readonly domain: string; readonly address: string }
  | { readonly kind: 'smart-host'; readonly key: string; readonly smartHost: SmartHostSettings }
  /** A server that has the mailboxes, over LMTP (RFC 2033). `isRelayed`: of a domain that this server only relays for. */
  | {
      readonly kind: 'lmtp'
      readonly key: string
      readonly store: LmtpStore
      readonly isRelayed?: boolean | undefined
    }
  /** A host that an administrator has named for some of the queued mail. */
  | { readonly kind: 'host'; readonly key: string; readonly host: string; readonly port: number }

export function domainDestination(domain: string): Destination {
  const address = literalAddress(domain)
  return address === undefined
    ? { kind: 'domain', key: domain, domain }
    : { kind: 'literal', key: domain, domain, address }
}

/** Never through the smart host, which would bring it back: this server stands in the DNS for the domain. */
export function relayedDestination(domain: string): Destination {
  return { kind: 'domain', key: domain, domain, isRelayed: true }
}

/** One destination whatever the domain: so all mail shares its connections. */
export function smartHostDestination(smartHost: SmartHostSettings): Destination {
  return { kind: 'smart-host', key: `smart-host ${smartHost.host}:${smartHost.port}`, smartHost }
}

export type LmtpStore =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'host'; readonly host: string; readonly port: number }

/** 'unix:/run/dovecot/lmtp', 'dovecot.example.org:24', '[2001:db8::1]:24'; undefined: none of these. */
export function parseLmtpStore(text: string): LmtpStore | undefined {
  if (text.startsWith(unixPrefix)) {
    const path = text.slice(unixPrefix.length)
    return path.startsWith('/') ? { kind: 'socket', path } : undefined
  }
  const endpoint = parseRoute(text)
  return endpoint && { kind: 'host', ...endpoint }
}

export function formatLmtpStore(store: LmtpStore): string {
  return store.kind === 'socket' ? unixPrefix + store.path : formatRoute(store.host, store.port)
}

const unixPrefix = 'unix:'

export function lmtpDestination(store: LmtpStore): Extract<Destination, { kind: 'lmtp' }> {
  return { kind: 'lmtp', key: `lmtp ${formatLmtpStore(store)}`, store }
}

/** This server relays for its domain: see `relayedDestination`. */
export function isRelayed(destination: Destination): boolean {
  return 'isRelayed' in destination && destination.isRelayed === true
}

/** Of the recipient; '' where the way is not that of its domain. */
export function domainOf(destination: Destination): string {
  return 'domain' in destination ? destination.domain : ''
}

/** `route`: as `formatRoute` writes it. */
export function hostDestination(route: string): Destination | undefined {
  const endpoint = parseRoute(route)
  return endpoint && { kind: 'host', key: `host ${route}`, ...endpoint }
}

function parseRoute(route: string): { readonly host: string; readonly port: number } | undefined {
  const at = route.lastIndexOf(':')
  const host = route.slice(0, at).replaceAll(/[[\]]/g, '')
  const port = Number(route.slice(at + 1))
  return host === '' || !Number.isInteger(port) ? undefined : { host, port }
}

/** As it stands with a queued recipient: 'mx2.example.org:25', '[2001:db8::1]:25'. */
export function formatRoute(host: string, port: number): string {
  return formatEndpoint(host, port)
}

const ipv6Tag = '[ipv6:'

/** The IP address in a canonical address literal; undefined for a domain. */
function literalAddress(domain: string): string | undefined {
  if (!domain.startsWith('[') || !domain.endsWith(']')) return undefined
  const start = domain.slice(0, ipv6Tag.length).toLowerCase() === ipv6Tag ? ipv6Tag.length : 1
  return domain.slice(start, -1)
}
