// Whose rights in which mailbox (RFC 4314 §3): what SETACL, DELETEACL and LISTRIGHTS begin with.
import type { Cursor } from './cursor.ts'
import { parseMailboxName } from './mailbox-name.ts'

export interface AclEntry {
  readonly mailbox: string
  /** Whose: an account's, 'anyone'; with '-' before it, what is taken away (§2). */
  readonly identifier: string
}

export function parseAclEntry(cursor: Cursor): AclEntry {
  cursor.blank()
  const mailbox = parseMailboxName(cursor)
  cursor.blank()
  const identifier = cursor.astring('whose rights')
  if (identifier === '' || identifier === '-') cursor.expect('a name before this')
  return { mailbox, identifier }
}
