// SETMETADATA (RFC 5464 §4.3).
import type { Cursor } from '../cursor.ts'
import { parseEntryName } from '../entry-name.ts'
import { parseMailboxName } from '../mailbox-name.ts'

export interface SetMetadataCommand {
  readonly verb: 'SETMETADATA'
  /** '': the server's. */
  readonly mailbox: string
  /** null takes the entry away. */
  readonly entries: ReadonlyMap<string, Buffer | null>
}

export function parseSetMetadata(cursor: Cursor): SetMetadataCommand {
  cursor.blank()
  const mailbox = parseMailboxName(cursor)
  cursor.blank()
  const entries = cursor.list(() => {
    const name = parseEntryName(cursor)
    if (!name.includes('/', 1)) cursor.expect('more of the name of the entry')
    cursor.blank()
    return [name, readValue(cursor)] as const
  })
  return { verb: 'SETMETADATA', mailbox, entries: new Map(entries) }
}

function readValue(cursor: Cursor): Buffer | null {
  if (cursor.takesKeyword('NIL')) return null
  return cursor.seesLiteral8 ? cursor.anyLiteral('a value') : cursor.string('a value, or NIL')
}
