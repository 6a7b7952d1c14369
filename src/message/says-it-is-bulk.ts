// Whether a message says of itself that it goes to many: fields of lists (RFC 2919, RFC 2369), and the Precedence that older
// programs write (RFC 2076 §3.9).
import { endOfLine, shortValue, startsWithName } from './header-lines.ts'

const listFields = ['list-id:', 'list-unsubscribe:'].map(name => Buffer.from(name))
const precedence = Buffer.from('precedence:')

export function saysItIsBulk(section: Uint8Array): boolean {
  for (let start = 0; start < section.length; ) {
    const end = endOfLine(section, start)
    if (listFields.some(name => startsWithName(section, start, name))) return true
    if (startsWithName(section, start, precedence)) {
      const value = shortValue(section, start + precedence.length, end)
      if (/^(bulk|list|junk)$/i.test(value)) return true
    }
    start = end
  }
  return false
}
