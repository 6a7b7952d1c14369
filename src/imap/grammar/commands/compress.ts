// COMPRESS (RFC 4978 §3).
import type { Cursor } from '../cursor.ts'

export interface CompressCommand {
  readonly verb: 'COMPRESS'
  /** In upper case: 'DEFLATE'. */
  readonly algorithm: string
}

export function parseCompress(cursor: Cursor): CompressCommand {
  cursor.blank()
  return { verb: 'COMPRESS', algorithm: cursor.atom('the name of an algorithm').toUpperCase() }
}
