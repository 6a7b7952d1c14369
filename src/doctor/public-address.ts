// Whether the internet routes an address.
import { parseIpAddress } from '../address/networks.ts'

/** No private, loopback or link-local one. */
export function isPublicAddress(address: string): boolean {
  return parseIpAddress(address)?.range() === 'unicast'
}
