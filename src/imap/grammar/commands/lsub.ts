// LSUB (RFC 3501 §6.3.9).
import type { Cursor } from '../cursor.ts'
import { parseMailboxName, parsePattern } from '../mailbox-name.ts'

export interface LsubCommand {
  readonly verb: 'LSUB'
  readonly reference: string
  readonly pattern: string
}

export function parseLsub(cursor: Cursor): LsubCommand {
  cursor.blank()
  const reference = parseMailboxName(cursor)
  cursor.blank()
  return { verb: 'LSUB', reference, pattern: parsePattern(cursor) }
}
