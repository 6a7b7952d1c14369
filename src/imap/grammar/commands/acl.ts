// SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314 §3).
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'

export interface SetAclCommand {
  readonly verb: 'SETACL'
  readonly mailbox: string
  /** Whose rights: an account, 'anyone'; with '-' before it, what is taken away (§2). */
  readonly identifier: string
  readonly action: 'replace' | 'add' | 'remove'
  /** Letters, each once: of 'lrswipkxtea', and c and d, which are older names of several (§2.1.1). */
  readonly rights: string
}

export interface AclOfIdentifierCommand {
  readonly verb: 'DELETEACL' | 'LISTRIGHTS'
  readonly mailbox: string
  readonly identifier: string
}

export interface AclOfMailboxCommand {
  readonly verb: 'GETACL' | 'MYRIGHTS'
  readonly mailbox: string
}

export function parseSetAcl(cursor: Cursor): SetAclCommand {
  cursor.blank()
  const mailbox = parseMailboxName(cursor)
  cursor.blank()
  const identifier = readIdentifier(cursor)
  cursor.blank()
  const text = cursor.astring('rights')
  const action = text.startsWith('+') ? 'add' : text.startsWith('-') ? 'remove' : 'replace'
  const letters = action === 'replace' ? text : text.slice(1)
  // §3.1: what is no right must not be passed over.
  if (!/^[lrswipkxteacd]*$/.test(letters))
    cursor.fail('syntax', 'Rights are letters of lrswipkxtea, and c and d for several of them, as +lrs')
  return { verb: 'SETACL', mailbox, identifier, action, rights: [...new Set(letters)].join('') }
}

export function aclOfIdentifierParser(
  verb: AclOfIdentifierCommand['verb'],
): (cursor: Cursor) => AclOfIdentifierCommand {
  return cursor => {
    cursor.blank()
    const mailbox = parseMailboxName(cursor)
    cursor.blank()
    return { verb, mailbox, identifier: readIdentifier(cursor) }
  }
}

function readIdentifier(cursor: Cursor): string {
  const identifier = cursor.astring('whose rights')
  if (identifier === '' || identifier === '-') cursor.expect('a name before this')
  return identifier
}
