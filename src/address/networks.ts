// IP addresses and networks: "192.0.2.0/24", "2001:db8::/32", or a single address.
import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

export interface Network {
  readonly address: ipaddr.IPv4 | ipaddr.IPv6
  readonly prefixLength: number
}

/** undefined when the text is neither a network nor an address. One that is IPv4 within IPv6 is an IPv4 network. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.lastIndexOf('/')
  const address = parseIpAddress(slash < 0 ? text : text.slice(0, slash))
  if (!address) return undefined
  const bits = address.kind() === 'ipv4' ? 32 : 128
  const prefixText = slash < 0 ? String(bits) : text.slice(slash + 1)
  if (!/^[0-9]{1,3}$/.test(prefixText) || Number(prefixText) > bits) return undefined
  const prefixLength = Number(prefixText)
  if (address.kind() === 'ipv4' || !isMapped(address)) return { address, prefixLength }
  return prefixLength < mappedBits
    ? undefined
    : { address: address.toIPv4Address(), prefixLength: prefixLength - mappedBits }
}

/** ::ffff:0:0/96 (RFC 4291 §2.5.5.2) */
const mappedBits = 96

function isMapped(address: ipaddr.IPv4 | ipaddr.IPv6): address is ipaddr.IPv6 {
  return address.kind() === 'ipv6' && (address as ipaddr.IPv6).isIPv4MappedAddress()
}

/** An IPv4 address that is written as IPv6 is that IPv4 address. */
export function unmapped(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  return isMapped(address) ? address.toIPv4Address() : address
}

/** The spellings of RFC 4291 and four decimal numbers; nothing that is only a number, and no zone. */
export function parseIpAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (isIPv4(text)) return ipaddr.IPv4.parse(text)
  if (!isIPv6(text) || text.includes('%')) return undefined
  // The library would take ::192.0.2.1 for ::ffff:192.0.2.1.
  return ipaddr.IPv6.parse(
    text.replace(/([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)$/, (_, ...octets) => {
      const [a, b, c, d] = octets.slice(0, 4).map(octet => Number(octet).toString(16).padStart(2, '0'))
      return `${a}${b}:${c}${d}`
    }),
  )
}

/** '::ffff:192.0.2.1' is '192.0.2.1': what a socket that listens on '::' says of an IPv4 peer. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

/** Is the address in one of the networks? IPv4 and IPv6 never match each other. */
export function isInNetworks(address: string, networks: readonly Network[]): boolean {
  if (networks.length === 0) return false
  const parsed = parseIpAddress(withoutZone(address))
  if (!parsed) return false
  const plain = unmapped(parsed)
  return networks.some(
    network => plain.kind() === network.address.kind() && plain.match(network.address, network.prefixLength),
  )
}

/** What one host has: an IPv4 address, and of IPv6 a /64, in which it may take any address (RFC 4291 §2.5.1). */
const hostBits = 64

/** The network of one host, one text for each: '192.0.2.1', '2001:db8::/64'. What is no address stays as it is. */
export function hostNetworkOf(address: string): string {
  const plain = withoutZone(address)
  // Written in one way only.
  if (isIPv4(plain)) return plain
  const parsed = parseIpAddress(plain)
  if (!parsed) return address
  if (isMapped(parsed)) return parsed.toIPv4Address().toString()
  return prefixOf(parsed, hostBits)
}

/** `bits`: whole bytes of it. */
function prefixOf(address: ipaddr.IPv4 | ipaddr.IPv6, bits: number): string {
  const prefix = address.toByteArray().map((byte, index) => (index < bits / 8 ? byte : 0))
  return `${new ipaddr.IPv6(prefix).toRFC5952String()}/${bits}`
}

/** From where one host may come again with another address: its /24 of IPv4, its /64 of IPv6. */
export function neighbourhoodOf(address: string): string {
  const host = hostNetworkOf(address)
  return isIPv4(host) ? `${host.slice(0, host.lastIndexOf('.'))}.0/24` : host
}

/** What one customer may have: of IPv6 a /48, with 65,536 networks of hosts (RFC 6177 §2). */
const siteBits = 48

/** From where one party may come with many networks: its /24 of IPv4, its /48 of IPv6. */
export function siteOf(address: string): string {
  const parsed = parseIpAddress(withoutZone(address))
  if (!parsed || parsed.kind() === 'ipv4' || isMapped(parsed)) return neighbourhoodOf(address)
  return prefixOf(parsed, siteBits)
}

// A link-local peer comes with its zone: fe80::1%eth0.
function withoutZone(address: string): string {
  return address.replace(/%.*$/s, '')
}

const privateRanges: readonly string[] = [
  'private',
  'loopback',
  'linkLocal',
  'uniqueLocal',
  'carrierGradeNat',
]

/** An address that nobody has on the internet: of this machine, this network, or behind somebody's translation. */
export function isPrivateAddress(address: string | Network['address']): boolean {
  const parsed = typeof address === 'string' ? parseIpAddress(withoutZone(address)) : address
  if (!parsed) return false
  return privateRanges.includes(unmapped(parsed).range())
}

const loopback: readonly Network[] = ['127.0.0.0/8', '::1/128'].flatMap(text => parseNetwork(text) ?? [])

export function isLoopback(address: string): boolean {
  return isInNetworks(address, loopback)
}
