// Variable envelope return paths: the recipient stands in the reverse-path, as the detail of the sender's address
// (RFC 5233): mail to boris@example.org from news@example.test comes from news+boris=example.org@example.test.
import type { Address } from './address.ts'
import { formatAddress } from './format-address.ts'
import { parseAddress } from './parse-address.ts'

/** Between the sender and the recipient: what parts a subaddress. */
const separator = '+'

/** undefined where the address would be none that every server takes: too long (RFC 5321 §4.5.3.1.1), or beyond ASCII. */
export function composeVerp(sender: Address, recipient: Address, delimiter: string): Address | undefined {
  const localPart = `${sender.localPart}${separator}${recipient.localPart}${delimiter}${recipient.domain}`
  const address = { localPart, domain: sender.domain }
  // An address literal needs quotes, and then nobody reads it back.
  const read = recipient.domain.startsWith('[') ? undefined : parseVerp(address, delimiter)
  if (!read || formatAddress(read.recipient) !== formatAddress(recipient)) return undefined
  const parsed = parseAddress(formatAddress(address))
  return parsed && /^[!-~]*$/.test(localPart) ? address : undefined
}

export interface Verp {
  readonly sender: Address
  readonly recipient: Address
}

export function parseVerp(address: Address, delimiter: string): Verp | undefined {
  const { localPart, domain } = address
  const plus = localPart.indexOf(separator)
  const last = localPart.lastIndexOf(delimiter)
  if (plus <= 0 || last <= plus + 1) return undefined
  const recipient = parseAddress(
    formatAddress({ localPart: localPart.slice(plus + 1, last), domain: localPart.slice(last + 1) }),
  )
  return recipient && { sender: { localPart: localPart.slice(0, plus), domain }, recipient }
}
