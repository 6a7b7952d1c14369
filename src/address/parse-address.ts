// A bare address, as people and settings write it: anna@example.test, почта@пример.рф.
import type { Address } from './address.ts'
import { scanMailbox } from './scan-mailbox.ts'

/** Takes U-labels and UTF-8 local-parts; no angle brackets, no display name. */
export function parseAddress(text: string): Address | undefined {
  const scan = scanMailbox(text, 0)
  if (typeof scan === 'string' || scan.domain === undefined || scan.end !== text.length) return undefined
  return { localPart: scan.localPart, domain: scan.domain }
}
