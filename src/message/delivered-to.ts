// To whom a message has been delivered before: its Delivered-To fields (RFC 9228).
import { addressKey } from '../address/address-key.ts'
import { parseAddress } from '../address/parse-address.ts'

const fieldName = 'Delivered-To:'
/** The latest stand first. */
const maxDeliveredTo = 100
const none: ReadonlySet<string> = new Set()

/**
 * Their addresses, as `addressKey` gives them, of a message from its beginning. What comes round to this server bears the
 * field in its own spelling; that is searched for, by the fastest search there is: it costs each message that comes in.
 */
export function findDeliveredTo(message: Uint8Array): ReadonlySet<string> {
  const whole = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  let at = whole.indexOf(fieldName)
  if (at < 0) return none
  const end = whole.indexOf('\r\n\r\n')
  const text = end < 0 ? whole : whole.subarray(0, end + 2)
  const found = new Set<string>()
  for (
    at = text.indexOf(fieldName);
    at >= 0 && found.size < maxDeliveredTo;
    at = text.indexOf(fieldName, at + 1)
  ) {
    if (at > 0 && text[at - 1] !== 0x0a) continue
    const lineEnd = text.indexOf('\r\n', at)
    const value = text.toString('utf8', at + fieldName.length, lineEnd < 0 ? text.length : lineEnd).trim()
    const address = parseAddress(value)
    if (address) found.add(addressKey(address))
  }
  return found
}
