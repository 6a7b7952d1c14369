// SETQUOTA (RFC 9208 §4.1.3).
import type { Cursor } from '../cursor.ts'

export interface SetQuotaCommand {
  readonly verb: 'SETQUOTA'
  readonly root: string
  /** Resource in upper case → limit; STORAGE counts units of 1024 octets (§5.1). */
  readonly limits: ReadonlyMap<string, number>
}

export function parseSetQuota(cursor: Cursor): SetQuotaCommand {
  cursor.blank()
  const root = cursor.astring('a quota root')
  cursor.blank()
  const limits = cursor.list(() => {
    const resource = cursor.atom('the name of a resource').toUpperCase()
    cursor.blank()
    return [resource, cursor.number64('a limit')] as const
  }, 'may-be-empty')
  return { verb: 'SETQUOTA', root, limits: new Map(limits) }
}
