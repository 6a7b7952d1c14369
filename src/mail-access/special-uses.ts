// What a mailbox can be for (RFC 6154 §2), by its attribute in IMAP.
import type { SpecialUse } from '../mailbox/mailbox-row.ts'

export const specialUses: readonly SpecialUse[] = ['Archive', 'Drafts', 'Junk', 'Sent', 'Trash']

/** '\Sent'. undefined: there is no such use here. */
export function readSpecialUse(attribute: string): SpecialUse | undefined {
  return specialUses.find(use => `\\${use}`.toLowerCase() === attribute.toLowerCase())
}
