// ENABLE (RFC 5161, RFC 9051 §6.3.1).
import type { Cursor } from '../cursor.ts'

export interface EnableCommand {
  readonly verb: 'ENABLE'
  /** In upper case; unknown ones are no mistake. */
  readonly capabilities: readonly string[]
}

export function parseEnable(cursor: Cursor): EnableCommand {
  cursor.blank()
  const capabilities = cursor.separated(() => cursor.atom('the name of a capability').toUpperCase())
  return { verb: 'ENABLE', capabilities }
}
