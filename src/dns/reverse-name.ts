// Where the DNS keeps the names of an address (RFC 1035 §3.5, RFC 3596 §2.5).
import { isIP } from 'node:net'
import { reverseLabels } from './reverse-labels.ts'

/** '1.2.0.192.in-addr.arpa'; undefined when it is no IP address. */
export function reverseName(address: string): string | undefined {
  const family = isIP(address)
  if (family === 0 || address.includes('%')) return undefined
  return `${reverseLabels(address)}.${family === 4 ? 'in-addr' : 'ip6'}.arpa`
}
