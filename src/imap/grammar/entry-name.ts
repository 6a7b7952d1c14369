// The name of an entry of METADATA (RFC 5464 §3): '/private/comment'.
import type { Cursor } from './cursor.ts'

/** In lower case. Slashes between words; no stars, no 8-bit characters, and no slash at the end. */
export function parseEntryName(cursor: Cursor): string {
  const name = cursor.astring('the name of an entry').toLowerCase()
  // §3.2: it says whose it is.
  if (!/^\/(?:private|shared)(?:\/|$)/.test(name))
    cursor.fail('syntax', 'The name of an entry begins with /private or /shared (RFC 5464 3.2)')
  if (!/^(?:\/[!-)+-.0-~][^/*%\0-\x1f\x7f-\uffff]*)+$/.test(name))
    cursor.fail('syntax', 'An entry has a name as /private/comment (RFC 5464 3)')
  return name
}
