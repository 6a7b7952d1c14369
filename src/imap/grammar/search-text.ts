// What is searched for, in the charset that the client named (RFC 9051 §6.4.4).
import type { Cursor } from './cursor.ts'

export type TextReader = () => string

const utf8Names: ReadonlySet<string> = new Set(['UTF-8', 'US-ASCII'])

/** An unknown charset is the cursor's problem. */
export function createTextReader(cursor: Cursor, charset: string | undefined): TextReader {
  if (charset === undefined || utf8Names.has(charset.toUpperCase())) return () => cursor.astring('a text')
  const decoder = decoderOf(charset)
  if (!decoder) cursor.fail('charset', `This server does not know the charset ${charset.slice(0, 40)}`)
  return () => {
    try {
      return decoder?.decode(cursor.astringBytes('a text')) ?? ''
    } catch {
      // It is fatal: the octets are none of this charset.
      cursor.expect(`a text in ${charset.slice(0, 40)} before this`)
      return ''
    }
  }
}

function decoderOf(charset: string): TextDecoder | undefined {
  try {
    return new TextDecoder(charset, { fatal: true })
  } catch {
    // A RangeError: there is none of this name.
    return undefined
  }
}
