// Names of other users' mailboxes (RFC 2342 §5, RFC 9051 §6.3.10): "Other Users/anna@example.test/Work".
import type { Address } from '../address/address.ts'
import { formatAddressForPeople } from '../address/format-address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { delimiter } from '../mailbox/mailbox-names.ts'
import { otherUsersPrefix } from '../mailbox/name-rules.ts'

export interface OtherUsersName {
  readonly owner: Address
  /** As it is for its owner. */
  readonly name: string
}

/** undefined: it names no mailbox of somebody else. */
export function parseOtherUsersName(name: string): OtherUsersName | undefined {
  if (!name.startsWith(otherUsersPrefix)) return undefined
  const path = name.slice(otherUsersPrefix.length)
  // A local-part may have a delimiter in it, a domain not.
  const end = path.indexOf(delimiter, path.indexOf('@') + 1)
  const owner = end < 0 ? undefined : parseAddress(path.slice(0, end))
  // RFC 9051 §5.1: INBOX is one name in any case of its letters.
  return owner && { owner, name: path.slice(end + 1).replace(/^inbox(?=\/|$)/i, 'INBOX') }
}

/** The owner's domain as people write it: the name stands in the list of every mail program. */
export function formatOtherUsersName(owner: string, name: string): string {
  const address = parseAddress(owner)
  return `${otherUsersPrefix}${address ? formatAddressForPeople(address) : owner}${delimiter}${name}`
}
