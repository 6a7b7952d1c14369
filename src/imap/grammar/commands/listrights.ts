// LISTRIGHTS (RFC 4314 §3.4).
import { type AclEntry, parseAclEntry } from '../acl-entry.ts'
import type { Cursor } from '../cursor.ts'

export interface ListRightsCommand extends AclEntry {
  readonly verb: 'LISTRIGHTS'
}

export function parseListRights(cursor: Cursor): ListRightsCommand {
  return { verb: 'LISTRIGHTS', ...parseAclEntry(cursor) }
}
