// The address in a mailto URI (RFC 6068 §2): one, and what else it says is not looked at.
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'

export function parseMailto(uri: URL): Address | undefined {
  if (uri.protocol !== 'mailto:') return undefined
  try {
    return parseAddress(decodeURIComponent(uri.pathname))
  } catch {
    // A percent sign that begins nothing.
    return undefined
  }
}

/** As lists of targets are kept: 'mailto:reports@example.org'. */
export function formatMailto({ localPart, domain }: Address): string {
  return `mailto:${localPart}@${domain}`
}
