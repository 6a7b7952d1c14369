// Networks in `localNetworks` that are too wide to be anybody's own: whoever is in one may relay without AUTH.
import { isPrivateAddress, parseNetwork } from '../address/networks.ts'

export interface OpenNetwork {
  readonly network: string
  /** refuse: the server must not start with it. warn: it may be right, but seldom is. */
  readonly severity: 'refuse' | 'warn'
  readonly reason: string
}

/** Bits of the prefix: shorter ones take in the networks of strangers. */
const refuseBelow = { ipv4: 9, ipv6: 20 } as const
const warnBelow = { ipv4: 16, ipv6: 48 } as const

export function findOpenNetworks(localNetworks: readonly string[]): OpenNetwork[] {
  return localNetworks.flatMap(network => {
    const problem = judgeNetwork(network)
    return problem ? [problem] : []
  })
}

function judgeNetwork(network: string): OpenNetwork | undefined {
  const parsed = parseNetwork(network)
  if (!parsed) return { network, severity: 'refuse', reason: 'it is no network' }
  const { address, prefixLength } = parsed
  const kind = address.kind()
  // A private range cannot be reached from outside, so its size is the administrator's affair.
  if (isPrivateAddress(address) && prefixLength >= (kind === 'ipv4' ? 8 : 7)) return undefined
  if (prefixLength < refuseBelow[kind]) {
    return { network, severity: 'refuse', reason: 'it takes in a good part of the Internet' }
  }
  if (prefixLength < warnBelow[kind]) {
    return { network, severity: 'warn', reason: 'it is a large range of public addresses' }
  }
  return undefined
}
