// THREAD (RFC 5256 §3).
import type { Cursor } from '../cursor.ts'
import type { NamedBy } from '../sequence-set.ts'
import { parseProgramInCharset, type SearchKey } from './search.ts'

export interface ThreadCommand {
  readonly verb: 'THREAD'
  readonly by: NamedBy
  readonly algorithm: 'ORDEREDSUBJECT' | 'REFERENCES'
  readonly key: SearchKey
}

export function parseThread(cursor: Cursor, by: NamedBy): ThreadCommand {
  cursor.blank()
  const algorithm = cursor.keyword('an algorithm')
  if (algorithm !== 'ORDEREDSUBJECT' && algorithm !== 'REFERENCES')
    cursor.fail('syntax', 'THREAD knows ORDEREDSUBJECT and REFERENCES')
  return {
    verb: 'THREAD',
    by,
    algorithm: algorithm === 'REFERENCES' ? 'REFERENCES' : 'ORDEREDSUBJECT',
    key: parseProgramInCharset(cursor),
  }
}
