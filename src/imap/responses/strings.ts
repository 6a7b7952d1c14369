// Strings in responses (RFC 9051 §4.3): between quotes where that can be, else as a literal.
import { astringCharacters } from '../grammar/characters.ts'
import { spellMailboxName } from '../grammar/mailbox-name.ts'
import type { ResponseTerms } from './terms.ts'

/** RFC 9051 §4.3: longer ones are better literals, as clients read quoted strings into small buffers. */
const maxQuotedLength = 1000
/** RFC 9051 §9 QUOTED-CHAR */
const quotable = /^[^\r\n\x80-\uffff]*$/
const quotableInUtf8 = /^[^\r\n]*$/

export function formatString(text: string, { utf8 }: ResponseTerms): string {
  // NUL has no place in text (§9 CHAR8); who put it there meant nothing by it.
  const clean = text.includes('\0') ? text.replaceAll('\0', '') : text
  const form = utf8 ? quotableInUtf8 : quotable
  if (clean.length <= maxQuotedLength && form.test(clean)) return quote(clean)
  // A lone surrogate would be sent as U+FFFD, which has as many octets as are counted for it.
  return `{${Buffer.byteLength(clean)}}\r\n${clean}`
}

/** Of text that is ours: ASCII, without line ends. */
export function quote(text: string): string {
  return /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, '\\$&')}"` : `"${text}"`
}

export function formatNilOrString(text: string | null, terms: ResponseTerms): string {
  return text === null ? 'NIL' : formatString(text, terms)
}

/** An atom where it can be one. */
export function formatAstring(text: string, terms: ResponseTerms): string {
  return isAtom(text) ? text : formatString(text, terms)
}

export function formatMailboxName(name: string, terms: ResponseTerms): string {
  return formatAstring(spellMailboxName(name, terms.utf8), terms)
}

// NIL as an atom would be nothing (RFC 9051 §4.5).
function isAtom(text: string): boolean {
  if (text === '' || text.toUpperCase() === 'NIL') return false
  for (let index = 0; index < text.length; index++)
    if (astringCharacters[text.charCodeAt(index)] !== 1) return false
  return true
}
