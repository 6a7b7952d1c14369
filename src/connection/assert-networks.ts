// Networks as the settings of the server name them.
import { type Network, parseNetwork } from '../address/networks.ts'
import { UsageFault } from '../runtime/fault.ts'

/** Throws a UsageFault at the first text that is neither a network nor an address. */
export function assertNetworks(texts: readonly string[]): readonly Network[] {
  return texts.map(text => {
    const network = parseNetwork(text)
    if (network) return network
    throw new UsageFault(
      'NETWORK_SYNTAX',
      `"${text}" is no network: write 192.0.2.0/24, 2001:db8::/32 or one address.`,
    )
  })
}
