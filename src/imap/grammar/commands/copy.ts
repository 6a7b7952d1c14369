// COPY (RFC 9051 §6.4.7), MOVE (§6.4.8) and EXPUNGE (§6.4.3; of some UIDs only, RFC 4315).
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'
import { type NamedBy, parseSequenceSet, type SequenceSet } from '../sequence-set.ts'

export interface CopyCommand {
  readonly verb: 'COPY' | 'MOVE'
  readonly by: NamedBy
  readonly set: SequenceSet
  readonly mailbox: string
}

export interface ExpungeCommand {
  readonly verb: 'EXPUNGE'
  /** undefined: whatever is \Deleted. */
  readonly set: SequenceSet | undefined
}

export function copyParser(verb: CopyCommand['verb']): (cursor: Cursor, by: NamedBy) => CopyCommand {
  return (cursor, by) => {
    cursor.blank()
    const set = parseSequenceSet(cursor)
    cursor.blank()
    return { verb, by, set, mailbox: parseMailboxName(cursor) }
  }
}

export function parseExpunge(cursor: Cursor, by: NamedBy): ExpungeCommand {
  if (by === 'sequence') return { verb: 'EXPUNGE', set: undefined }
  cursor.blank()
  return { verb: 'EXPUNGE', set: parseSequenceSet(cursor) }
}
