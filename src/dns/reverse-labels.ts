// An address as labels of a name, the last part first, as the DNS keeps what is known of addresses (RFC 1035 §3.5, RFC 3596
// §2.5, RFC 5782 §2.1, §2.4).
import { parseIpAddress } from '../address/networks.ts'

/** '1.2.0.192'; of IPv6 its 32 digits, '7.0.0.0 … 1.0.0.2'. Throws when it is no IP address. */
export function reverseLabels(address: string): string {
  const parsed = parseIpAddress(address)
  if (!parsed) throw new RangeError(`not an IP address: ${address}`)
  const bytes = parsed.toByteArray()
  if (parsed.kind() === 'ipv4') return bytes.toReversed().join('.')
  return bytes
    .flatMap(byte => [Math.floor(byte / 16), byte % 16])
    .toReversed()
    .map(digit => digit.toString(16))
    .join('.')
}
