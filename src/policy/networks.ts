// Whether an address is inside one of several networks, as the settings name them.
import ipaddr from 'ipaddr.js'

/** `networks` are addresses or CIDR networks; what is neither contains nothing. An IPv4-mapped address counts as IPv4. */
export function isInNetworks(address: string, networks: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false
  const own = ipaddr.process(address)
  return networks.some(network => {
    const parsed = parseNetwork(network)
    return parsed !== undefined && parsed[0].kind() === own.kind() && own.match(parsed)
  })
}

export function parseNetwork(network: string): [ipaddr.IPv4 | ipaddr.IPv6, number] | undefined {
  if (ipaddr.isValidCIDR(network)) return ipaddr.parseCIDR(network)
  if (!ipaddr.isValid(network)) return undefined
  const address = ipaddr.process(network)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}
