// SORT (RFC 5256 §3), with result options (RFC 5267 §3) and by what is displayed (RFC 5957).
import type { Cursor } from '../cursor.ts'
import type { NamedBy } from '../sequence-set.ts'
import {
  parseProgramInCharset,
  parseSearchReturn,
  type SearchKey,
  type SearchReturnOptions,
} from './search.ts'

const sortKeys = [
  'ARRIVAL',
  'CC',
  'DATE',
  'FROM',
  'SIZE',
  'SUBJECT',
  'TO',
  'DISPLAYFROM',
  'DISPLAYTO',
] as const

export interface SortCriterion {
  readonly key: (typeof sortKeys)[number]
  readonly reverse: boolean
}

export interface SortCommand {
  readonly verb: 'SORT'
  readonly by: NamedBy
  readonly returns: SearchReturnOptions | undefined
  readonly criteria: readonly SortCriterion[]
  readonly key: SearchKey
}

export function parseSort(cursor: Cursor, by: NamedBy): SortCommand {
  const returns = parseSearchReturn(cursor)
  cursor.blank()
  const criteria = cursor.list(() => readCriterion(cursor))
  return { verb: 'SORT', by, returns, criteria, key: parseProgramInCharset(cursor) }
}

function readCriterion(cursor: Cursor): SortCriterion {
  const reverse = cursor.takesKeyword('REVERSE')
  if (reverse) cursor.blank()
  return { key: cursor.oneOf(sortKeys, 'a sort key', 'SORT knows REVERSE'), reverse }
}
