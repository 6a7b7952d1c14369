// When two addresses are the same mailbox of ours: letter case does not count (RFC 5321 §2.4 leaves it to the receiver).
import type { Address } from './address.ts'

/** Equal for equal mailboxes; only for comparing, never shown or sent. */
export function addressKey(address: Address): string {
  return `${address.localPart.normalize('NFC').toLowerCase()}@${address.domain}`
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.domain === b.domain && addressKey(a) === addressKey(b)
}
