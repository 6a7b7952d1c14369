// Who a reader takes for the author: the domains in the From field (RFC 9989 §5.3.1, RFC 5322 §3.6.2, RFC 6854).
import { parseAddressLiteral } from '../../address/address-literal.ts'
import { parseDomain } from '../../address/parse-domain.ts'
import { endOfQuoted, shownAddresses } from '../../message/written-addresses.ts'
import type { SignedHeader } from '../dkim/signed-header.ts'

export type AuthorDomains =
  /** In A-labels; one, as a rule. */
  | { readonly kind: 'domains'; readonly domains: readonly string[] }
  /**
   * 'no-from': no field, or one with nothing in it. 'several-from': which one is shown is for each program to say.
   * 'unreadable-from': a reader is shown something, and whom, each program says for itself.
   */
  | { readonly kind: 'no-from' | 'several-from' | 'unreadable-from' | 'too-many-authors' | 'too-many-fields' }

/** Each is a walk through the DNS. */
const maxDomains = 5
/** Of a From field that somebody wrote for people. */
const maxFromLength = 8000

export function findAuthorDomains(header: SignedHeader, maxFields: number): AuthorDomains {
  // A second From field could hide behind the last one that is looked at.
  if (header.fields.length >= maxFields) return { kind: 'too-many-fields' }
  const fields = header.named('from')
  const [field] = fields
  if (!field) return { kind: 'no-from' }
  if (fields.length > 1) return { kind: 'several-from' }
  if (field.readable.length > maxFromLength) return { kind: 'too-many-authors' }
  const domains = new Set<string>()
  const { addresses, hidden } = shownAddresses(field.readable)
  let isUnreadable = hidden.length > 0
  for (const written of addresses) {
    const pieces = domainsOf(written)
    // Its only @ is quoted.
    if (pieces.length === 0 && written.includes('@')) isUnreadable = true
    // What has two @ is read differently by different programs: each reading counts.
    for (const text of pieces) {
      const domain = text.startsWith('[') ? parseAddressLiteral(text) : parseDomain(text)
      if (domain === undefined) isUnreadable = true
      else domains.add(domain)
    }
  }
  if (isUnreadable) return { kind: 'unreadable-from' }
  if (domains.size > maxDomains) return { kind: 'too-many-authors' }
  if (domains.size > 0) return { kind: 'domains', domains: [...domains] }
  // A name alone is shown all the same, and no domain answers for it.
  return { kind: /[^\s<>,;:]/.test(field.readable) ? 'unreadable-from' : 'no-from' }
}

/** What follows each @ that is not quoted, up to the next; without a source route (RFC 5322 §4.4). */
function domainsOf(address: string): string[] {
  const route = address.startsWith('@') ? address.indexOf(':') : -1
  const written = address.slice(route + 1)
  const pieces: string[] = []
  let piece: string | undefined
  for (let index = 0; index < written.length; index++) {
    const character = written[index] ?? ''
    if (character === '"' && piece === undefined) index = endOfQuoted(written, index) - 1
    else if (character === '@') {
      if (piece !== undefined) pieces.push(piece)
      piece = ''
    } else if (piece !== undefined && !' \t'.includes(character)) piece += character
  }
  if (piece !== undefined) pieces.push(piece)
  // An address without an @ is nobody's: a reader sees a name.
  return pieces
}
