// To whom a message has been delivered before: its Delivered-To fields (RFC 9228).
import { addressKey } from '../address/address-key.ts'
import { parseAddress } from '../address/parse-address.ts'

const fieldName = 'Delivered-To:'
const none: ReadonlySet<string> = new Set()

/**
 * Their addresses, as `addressKey` gives them. What comes round to this server bears the field as it wrote it, so its own
 * spelling is searched for, by the fastest search there is: it costs each message that comes in.
 */
export function findDeliveredTo(section: Uint8Array): ReadonlySet<string> {
  const text = Buffer.from(section.buffer, section.byteOffset, section.byteLength)
  let at = text.indexOf(fieldName)
  if (at < 0) return none
  const found = new Set<string>()
  for (; at >= 0; at = text.indexOf(fieldName, at + 1)) {
    if (at > 0 && text[at - 1] !== 0x0a) continue
    const lineEnd = text.indexOf('\r\n', at)
    const value = text.toString('utf8', at + fieldName.length, lineEnd < 0 ? text.length : lineEnd).trim()
    const address = parseAddress(value)
    if (address) found.add(addressKey(address))
  }
  return found
}
