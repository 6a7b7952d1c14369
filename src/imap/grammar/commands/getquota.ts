// GETQUOTA (RFC 9208 §4.1.1).
import type { Cursor } from '../cursor.ts'

export interface GetQuotaCommand {
  readonly verb: 'GETQUOTA'
  readonly root: string
}

export function parseGetQuota(cursor: Cursor): GetQuotaCommand {
  cursor.blank()
  return { verb: 'GETQUOTA', root: cursor.astring('a quota root') }
}
