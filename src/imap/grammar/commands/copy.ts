// COPY and MOVE (RFC 9051 §6.4.7, §6.4.8): the same words in both.
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'
import { type NamedBy, parseSequenceSet, type SequenceSet } from '../sequence-set.ts'

export interface CopyCommand {
  readonly verb: 'COPY' | 'MOVE'
  readonly by: NamedBy
  readonly set: SequenceSet
  readonly mailbox: string
}

export function copyParser(verb: CopyCommand['verb']): (cursor: Cursor, by: NamedBy) => CopyCommand {
  return (cursor, by) => {
    cursor.blank()
    const set = parseSequenceSet(cursor)
    cursor.blank()
    return { verb, by, set, mailbox: parseMailboxName(cursor) }
  }
}
