// Flags and keywords (RFC 9051 §2.3.2): a system flag has one spelling here, a keyword is as the client wrote it.
import type { Cursor } from './cursor.ts'

export const systemFlags = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'] as const

export type SystemFlag = (typeof systemFlags)[number]

const spellings: ReadonlyMap<string, SystemFlag> = new Map(
  systemFlags.map(flag => [flag.toLowerCase(), flag]),
)

/** A flag that a client may set. */
export function parseFlag(cursor: Cursor): string {
  if (!cursor.takes('\\')) return cursor.atom('a flag')
  const name = `\\${cursor.atom('a flag')}`
  const known = spellings.get(name.toLowerCase())
  // RFC 9051 §9: a backslash is for flags that the protocol has; \Recent is none that a client could set (RFC 3501 §2.3.2).
  if (known === undefined)
    cursor.fail('syntax', `There is no flag ${name}; a client may set ${systemFlags.join(' ')} and keywords`)
  return known ?? ''
}

/** No flag twice. */
export function parseFlagList(cursor: Cursor): readonly string[] {
  return [...new Set(cursor.list(() => parseFlag(cursor), 'may-be-empty'))]
}
