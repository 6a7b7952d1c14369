// STORE (RFC 9051 §6.4.6), with UNCHANGEDSINCE (RFC 7162 §3.1.3).
import type { Cursor } from '../cursor.ts'
import { parseFlag, parseFlagList } from '../flags.ts'
import { type NamedBy, parseSequenceSet, type SequenceSet } from '../sequence-set.ts'

export interface StoreCommand {
  readonly verb: 'STORE'
  readonly by: NamedBy
  readonly set: SequenceSet
  readonly unchangedSince: number | undefined
  readonly action: 'replace' | 'add' | 'remove'
  /** .SILENT: the client knows what comes of it. */
  readonly silent: boolean
  readonly flags: readonly string[]
}

export function parseStore(cursor: Cursor, by: NamedBy): StoreCommand {
  cursor.blank()
  const set = parseSequenceSet(cursor)
  cursor.blank()
  const unchangedSince = cursor.sees('(') ? readUnchangedSince(cursor) : undefined
  if (unchangedSince !== undefined) cursor.blank()
  const action = cursor.takes('+') ? 'add' : cursor.takes('-') ? 'remove' : 'replace'
  const word = cursor.keyword('FLAGS')
  if (word !== 'FLAGS' && word !== 'FLAGS.SILENT') cursor.expect('FLAGS or FLAGS.SILENT before this')
  cursor.blank()
  const flags = cursor.sees('(')
    ? parseFlagList(cursor)
    : [...new Set(cursor.separated(() => parseFlag(cursor)))]
  return { verb: 'STORE', by, set, unchangedSince, action, silent: word === 'FLAGS.SILENT', flags }
}

function readUnchangedSince(cursor: Cursor): number {
  let modSeq = 0
  cursor.list(() => {
    cursor.skipKeyword('UNCHANGEDSINCE')
    cursor.blank()
    modSeq = cursor.number64('a mod-sequence')
  })
  return modSeq
}
