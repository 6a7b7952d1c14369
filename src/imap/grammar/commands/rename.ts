// RENAME (RFC 9051 §6.3.6).
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'

export interface RenameCommand {
  readonly verb: 'RENAME'
  readonly mailbox: string
  readonly newName: string
}

export function parseRename(cursor: Cursor): RenameCommand {
  cursor.blank()
  const mailbox = parseMailboxName(cursor)
  cursor.blank()
  return { verb: 'RENAME', mailbox, newName: parseMailboxName(cursor) }
}
