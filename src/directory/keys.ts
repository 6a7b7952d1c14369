// Which rows of the directory an address may match: itself, without its subaddress, and the catch-all of its domain.
import type { Address } from '../address/address.ts'

/** Separates the detail from the user (RFC 5233): anna+shop@example.test is anna's. */
export const subaddressSeparator = '+'

/** The address without its subaddress, and the detail; undefined when it has none. */
export function splitSubaddress(
  address: Address,
): { readonly base: Address; readonly detail: string } | undefined {
  const at = address.localPart.indexOf(subaddressSeparator)
  if (at <= 0) return undefined
  return {
    base: { localPart: address.localPart.slice(0, at), domain: address.domain },
    detail: address.localPart.slice(at + subaddressSeparator.length),
  }
}

/** RFC 5321 §4.5.1 (postmaster) and RFC 2142 §2 and §4 (abuse): addresses that every domain must have. */
export function isRoleAddress(address: Address): boolean {
  const localPart = address.localPart.toLowerCase()
  return localPart === 'postmaster' || localPart === 'abuse'
}
