// ID (RFC 2971): which program this is.
import type { Cursor } from '../cursor.ts'

export interface IdCommand {
  readonly verb: 'ID'
  /** null: the client does not say. Names in lower case. */
  readonly fields: ReadonlyMap<string, string | null> | null
}

/** RFC 2971 §3.3 */
const maxFields = 30

export function parseId(cursor: Cursor): IdCommand {
  cursor.blank()
  if (cursor.takesKeyword('NIL')) return { verb: 'ID', fields: null }
  const pairs = cursor.list(() => readPair(cursor), 'may-be-empty')
  if (pairs.length > maxFields) cursor.fail('too-complex', `ID may have ${maxFields} fields (RFC 2971 3.3)`)
  return { verb: 'ID', fields: new Map(pairs) }
}

function readPair(cursor: Cursor): readonly [string, string | null] {
  const name = cursor.text('the name of a field').toLowerCase()
  cursor.blank()
  return [name, cursor.nilOrText('the value of a field')]
}
