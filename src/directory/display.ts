// Addresses and domains as people write them: U-labels, and '@example.test' for a catch-all.
import type { Address } from '../address/address.ts'
import { formatAddressForPeople } from '../address/format-address.ts'
import { formatDomainForPeople } from '../address/parse-domain.ts'

export function displayAddress(address: Address): string {
  return address.localPart === '' ? `@${displayDomain(address.domain)}` : formatAddressForPeople(address)
}

export function displayDomain(domain: string): string {
  return formatDomainForPeople(domain)
}
