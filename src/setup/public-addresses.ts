// The addresses of this machine that the internet routes.
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'

/** Of those on which it listens; where that is every address, of all. */
export function publicAddressesOf(listen: readonly string[]): string[] {
  return [...new Set(listen.every(isSpecific) ? listen : ownAddresses())].filter(isRouted)
}

const isSpecific = (address: string): boolean => address !== '::' && address !== '0.0.0.0'

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap(entries => (entries ?? []).map(({ address }) => address))
}

/** No private, loopback or link-local one. */
function isRouted(address: string): boolean {
  return isIP(address) !== 0 && !address.includes('%') && ipaddr.parse(address).range() === 'unicast'
}
