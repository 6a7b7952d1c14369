// +OK and -ERR (RFC 1939 §3), with a response code where a program can do something with it (RFC 2449 §8).
import type { Language } from '../grammar/language.ts'

/** IN-USE (RFC 2449 §8.1.2), AUTH and SYS (RFC 3206), UTF8 (RFC 6856 §5). */
export type ResponseCode = 'IN-USE' | 'AUTH' | 'SYS/TEMP' | 'SYS/PERM' | 'UTF8'

/** One line for a person. */
export type Text = Readonly<Record<Language, string>>

export interface Response {
  readonly status: '+OK' | '-ERR'
  readonly code?: ResponseCode | undefined
  /** What programs read, before the text: '2 320'. */
  readonly data?: string | undefined
  readonly text?: Text | undefined
}

/** RFC 2449 §4: 512 octets with the CRLF, of which what a client has sent may fill a part. */
const mostOctets = 510

export function formatResponse(response: Response, language: Language): string {
  const { status, code, data, text } = response
  const line = [status, code && `[${code}]`, data, text && inOneLine(text[language], language)]
    .filter(part => part !== undefined && part !== '')
    .join(' ')
  return `${cut(line)}\r\n`
}

/** RFC 2449 §6.4: what begins with a bracket is a code, and nothing else is. What a client has sent may be in it. */
function inOneLine(text: string, language: Language): string {
  // RFC 6856 §2.1: nobody gets UTF-8 who has not asked for it, by UTF8 or by LANG.
  const plain = text.replaceAll(language === 'en' ? /[^ -~]+/g : /[\0-\x1f\x7f]+/g, '?').trim()
  return plain.startsWith('[') ? `: ${plain}` : plain
}

function cut(line: string): string {
  let shorter = line
  while (Buffer.byteLength(shorter) > mostOctets) shorter = shorter.slice(0, -1)
  return shorter
}
