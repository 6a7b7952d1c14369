// Which listeners the world is to reach, as far as their addresses say.
import { isLoopback } from '../address/networks.ts'
import { isPublicAddress } from '../doctor/public-address.ts'
import { publicAddressesOf } from '../setup/public-addresses.ts'

/** One that programs of this machine or network use is nothing that the world has to reach. `addresses`: by which others reach it. */
export function isForOthers(listening: string, addresses: readonly string[]): boolean {
  if (listening === '::' || listening === '0.0.0.0' || addresses.includes(listening)) return true
  if (isLoopback(listening)) return false
  // Without a public address of its own the machine is behind a router, which leads to a private one.
  return isPublicAddress(listening) || !publicAddressesOf(['::']).some(isPublicAddress)
}
