// Where the DNS keeps the names of an address (RFC 1035 §3.5, RFC 3596 §2.5).
import { parseIpAddress } from '../address/networks.ts'

/** '1.2.0.192.in-addr.arpa'; undefined when it is no IP address. */
export function reverseName(address: string): string | undefined {
  const parsed = parseIpAddress(address)
  if (!parsed) return undefined
  const bytes = parsed.toByteArray()
  if (parsed.kind() === 'ipv4') return `${bytes.toReversed().join('.')}.in-addr.arpa`
  const nibbles = bytes.flatMap(byte => [Math.floor(byte / 16), byte % 16])
  return `${nibbles
    .toReversed()
    .map(nibble => nibble.toString(16))
    .join('.')}.ip6.arpa`
}
