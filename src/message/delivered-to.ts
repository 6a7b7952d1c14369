// To whom a message has been delivered before: its Delivered-To fields (RFC 9228).
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { decodeUtf8Address } from '../address/utf8-address.ts'

const fieldName = 'Delivered-To:'
/** The latest stand first. */
const maxLookedAt = 100
/** Longer than any address, each character of it escaped. */
const maxValueLength = 2000

/**
 * Their addresses, of a message from its beginning. What comes round to this server bears the
 * field in its own spelling; that is searched for, by the fastest search there is: it costs each message that comes in.
 */
export function findDeliveredTo(message: Uint8Array): readonly Address[] {
  const whole = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  let at = whole.indexOf(fieldName)
  if (at < 0) return []
  const end = whole.indexOf('\r\n\r\n')
  const text = end < 0 ? whole : whole.subarray(0, end + 2)
  const found: Address[] = []
  at = text.indexOf(fieldName)
  for (let lookedAt = 0; at >= 0 && lookedAt < maxLookedAt; at = text.indexOf(fieldName, at + 1)) {
    if (at > 0 && text[at - 1] !== 0x0a) continue
    lookedAt++
    const start = at + fieldName.length
    const line = text.toString('utf8', start, start + maxValueLength).split('\n', 1)[0] ?? ''
    const value = line.trim()
    const address = parseAddress(decodeUtf8Address(value) ?? value)
    if (address) found.push(address)
  }
  return found
}
