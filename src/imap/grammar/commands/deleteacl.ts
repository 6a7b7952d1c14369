// DELETEACL (RFC 4314 §3.2).
import { type AclEntry, parseAclEntry } from '../acl-entry.ts'
import type { Cursor } from '../cursor.ts'

export interface DeleteAclCommand extends AclEntry {
  readonly verb: 'DELETEACL'
}

export function parseDeleteAcl(cursor: Cursor): DeleteAclCommand {
  return { verb: 'DELETEACL', ...parseAclEntry(cursor) }
}
