// The address in a mailto URI (RFC 6068 §2): one, and what else it says is not looked at. In ASCII, since reports go to every server.
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { isAscii } from '../runtime/text.ts'

export function parseMailto(uri: URL): Address | undefined {
  if (uri.protocol !== 'mailto:') return undefined
  try {
    const address = parseAddress(decodeURIComponent(uri.pathname))
    return address && isAscii(address.localPart) ? address : undefined
  } catch {
    // A percent sign that begins nothing.
    return undefined
  }
}

/** As lists of targets are kept: 'mailto:reports@example.org'. */
export function formatMailto({ localPart, domain }: Address): string {
  return `mailto:${localPart}@${domain}`
}
