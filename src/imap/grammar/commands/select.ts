// SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3) with CONDSTORE and QRESYNC (RFC 7162 §3.1.8, §3.2.5).
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'
import { type NumberRange, parseNumberRanges } from '../sequence-set.ts'

export interface QuickResync {
  readonly uidValidity: number
  readonly modSeq: number
  /** What the client has; undefined: everything from 1 on. */
  readonly knownUids: readonly NumberRange[] | undefined
  /** Message numbers and the UIDs that they had, in pairs of equal length (RFC 7162 §3.2.5.2). */
  readonly match:
    | { readonly sequences: readonly NumberRange[]; readonly uids: readonly NumberRange[] }
    | undefined
}

export interface SelectCommand {
  readonly verb: 'SELECT' | 'EXAMINE'
  readonly mailbox: string
  readonly condstore: boolean
  readonly quickResync: QuickResync | undefined
}

export function selectParser(verb: SelectCommand['verb']): (cursor: Cursor) => SelectCommand {
  return cursor => {
    cursor.blank()
    const mailbox = parseMailboxName(cursor)
    let condstore = false
    let quickResync: QuickResync | undefined
    if (cursor.takes(' '))
      cursor.list(() => {
        if (cursor.takesKeyword('CONDSTORE')) condstore = true
        else if (cursor.takesKeyword('QRESYNC')) quickResync = readQuickResync(cursor)
        else cursor.expect('CONDSTORE or QRESYNC')
      })
    return { verb, mailbox, condstore, quickResync }
  }
}

function readQuickResync(cursor: Cursor): QuickResync {
  cursor.blank()
  cursor.skip('(')
  const uidValidity = cursor.nonZeroNumber('a UIDVALIDITY')
  cursor.blank()
  const modSeq = cursor.number64('a mod-sequence')
  const knownUids = cursor.takes(' ') && !cursor.sees('(') ? parseNumberRanges(cursor) : undefined
  const match = cursor.sees('(') || cursor.takes(' ') ? readMatch(cursor) : undefined
  cursor.skip(')')
  return { uidValidity, modSeq, knownUids, match }
}

function readMatch(cursor: Cursor): NonNullable<QuickResync['match']> {
  cursor.skip('(')
  const sequences = parseNumberRanges(cursor)
  cursor.blank()
  const uids = parseNumberRanges(cursor)
  cursor.skip(')')
  if (count(sequences) !== count(uids))
    cursor.fail('syntax', 'QRESYNC needs as many UIDs as message numbers (RFC 7162 3.2.5.2)')
  return { sequences, uids }
}

function count(ranges: readonly NumberRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0)
}
