// SETACL (RFC 4314 §3.1).
import { type AclEntry, parseAclEntry } from '../acl-entry.ts'
import type { Cursor } from '../cursor.ts'

export interface SetAclCommand extends AclEntry {
  readonly verb: 'SETACL'
  readonly action: 'replace' | 'add' | 'remove'
  /** Letters, each once: of 'lrswipkxtea', and c and d, which are older names of several (§2.1.1). */
  readonly rights: string
}

export function parseSetAcl(cursor: Cursor): SetAclCommand {
  const entry = parseAclEntry(cursor)
  cursor.blank()
  const text = cursor.astring('rights')
  const action = text.startsWith('+') ? 'add' : text.startsWith('-') ? 'remove' : 'replace'
  const letters = action === 'replace' ? text : text.slice(1)
  // §3.1: what is no right must not be passed over.
  if (!/^[lrswipkxteacd]*$/.test(letters))
    cursor.fail('syntax', 'Rights are letters of lrswipkxtea, and c and d for several of them, as +lrs')
  return { verb: 'SETACL', ...entry, action, rights: [...new Set(letters)].join('') }
}
