// Mailbox names and the patterns of LIST (RFC 9051 §5.1, §6.3.9): as clients spell them, and as one text in Unicode.
import { patternCharacters } from './characters.ts'
import type { Cursor } from './cursor.ts'
import { decodeModifiedUtf7, encodeModifiedUtf7 } from './modified-utf7.ts'

/** RFC 9051 §5.1: INBOX is one name in any case of its letters, also at the head of a path. */
const inbox = /^inbox(?=\/|$)/i
/** §5.1: control characters have no place in a name; U+2028 and U+2029 neither (RFC 6855 §3 by way of RFC 5198). */
const forbidden = /[\0-\x1f\x7f-\x9f\u2028\u2029]/

/** In Unicode; '/' separates the levels of a hierarchy. */
export function parseMailboxName(cursor: Cursor): string {
  return readName(cursor, cursor.astring('a mailbox name'))
}

/** Of LIST and LSUB: `%` and `*` stand for text. */
export function parsePattern(cursor: Cursor): string {
  const text = cursor.seesString
    ? cursor.text('a pattern')
    : cursor.some(patternCharacters, 'a mailbox name or a pattern')
  // What is no modified UTF-7 fits no name, and so is no mistake here.
  return spellInbox(decodeName(cursor, text) ?? text)
}

function decodeName({ terms }: Cursor, text: string): string | undefined {
  // RFC 9051 §5.1: Net-Unicode, in which a letter and its accent are one.
  return (terms.utf8Names ? text : decodeModifiedUtf7(text))?.normalize('NFC')
}

function readName(cursor: Cursor, text: string): string {
  const name = decodeName(cursor, text)
  if (name === undefined || forbidden.test(name)) {
    cursor.fail(
      'mailbox-name',
      cursor.terms.utf8Names
        ? 'A mailbox name may not have control characters'
        : 'A mailbox name beyond ASCII is sent in modified UTF-7 (RFC 3501 5.1.3), where & alone is &-',
    )
    return ''
  }
  return spellInbox(name)
}

function spellInbox(name: string): string {
  return name.replace(inbox, 'INBOX')
}

/** Of a name that came without its coding, as it is kept; undefined: nothing can have this name. */
export function canonicalMailboxName(text: string): string | undefined {
  const name = text.normalize('NFC')
  return forbidden.test(name) ? undefined : spellInbox(name)
}

/** As the client is told it; the caller quotes it. */
export function spellMailboxName(name: string, utf8Names: boolean): string {
  return utf8Names ? name : encodeModifiedUtf7(name)
}
