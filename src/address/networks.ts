// IP addresses and networks: "192.0.2.0/24", "2001:db8::/32", or a single address.
import ipaddr from 'ipaddr.js'

export interface Network {
  readonly address: ipaddr.IPv4 | ipaddr.IPv6
  readonly prefixLength: number
}

/** undefined when the text is neither a network nor an address. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.lastIndexOf('/')
  const addressText = slash < 0 ? text : text.slice(0, slash)
  if (
    !ipaddr.isValid(addressText) ||
    (addressText.includes('.') &&
      !ipaddr.IPv4.isValidFourPartDecimal(addressText) &&
      !addressText.includes(':'))
  ) {
    return undefined
  }
  const address = ipaddr.parse(addressText)
  const bits = address.kind() === 'ipv4' ? 32 : 128
  if (slash < 0) return { address, prefixLength: bits }
  const prefixText = text.slice(slash + 1)
  if (!/^[0-9]{1,3}$/.test(prefixText) || Number(prefixText) > bits) return undefined
  return { address, prefixLength: Number(prefixText) }
}

/** '::ffff:192.0.2.1' is '192.0.2.1': what a socket that listens on '::' says of an IPv4 peer. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

/** Is the address in one of the networks? IPv4 and IPv6 never match each other. */
export function isInNetworks(address: string, networks: readonly Network[]): boolean {
  if (networks.length === 0 || !ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  return networks.some(
    network =>
      parsed.kind() === network.address.kind() && parsed.match(network.address, network.prefixLength),
  )
}

const loopback: readonly Network[] = ['127.0.0.0/8', '::1/128'].flatMap(text => parseNetwork(text) ?? [])

export function isLoopback(address: string): boolean {
  return isInNetworks(address, loopback)
}
