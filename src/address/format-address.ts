// Addresses as text: canonical for protocols and storage, readable for people.
import type { Address, ReversePath } from './address.ts'
import { formatDomainForPeople } from './parse-domain.ts'
import { formatLocalPart } from './scan-mailbox.ts'

/** The local-part quoted when it has to be; the domain in A-labels. `parseAddress` gives the address back. */
export function formatAddress(address: Address): string {
  return `${formatLocalPart(address.localPart)}@${address.domain}`
}

export function formatAddressForPeople(address: Address): string {
  return `${formatLocalPart(address.localPart)}@${formatDomainForPeople(address.domain)}`
}

/** Without angle brackets; '' is the null reverse-path. */
export function formatReversePath(reversePath: ReversePath): string {
  return reversePath === null ? '' : formatAddress(reversePath)
}
