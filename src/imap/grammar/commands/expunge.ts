// EXPUNGE (RFC 9051 §6.4.3; of some UIDs only, RFC 4315 §2.1).
import type { Cursor } from '../cursor.ts'
import { type NamedBy, parseSequenceSet, type SequenceSet } from '../sequence-set.ts'

export interface ExpungeCommand {
  readonly verb: 'EXPUNGE'
  /** undefined: whatever is \Deleted. */
  readonly set: SequenceSet | undefined
}

export function parseExpunge(cursor: Cursor, by: NamedBy): ExpungeCommand {
  if (by === 'sequence') return { verb: 'EXPUNGE', set: undefined }
  cursor.blank()
  return { verb: 'EXPUNGE', set: parseSequenceSet(cursor) }
}
