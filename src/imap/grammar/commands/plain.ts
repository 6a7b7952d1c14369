// Commands that stand alone.
import type { Cursor } from '../cursor.ts'

export const plainVerbs = [
  'CAPABILITY',
  'NOOP',
  'LOGOUT',
  'STARTTLS',
  'CHECK',
  'CLOSE',
  'UNSELECT',
  'IDLE',
  'NAMESPACE',
] as const

export type PlainVerb = (typeof plainVerbs)[number]

export interface PlainCommand {
  readonly verb: PlainVerb
}

export function plainParser(verb: PlainVerb): (cursor: Cursor) => PlainCommand {
  return () => ({ verb })
}
