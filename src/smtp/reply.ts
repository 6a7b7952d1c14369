// A reply as one value: code, enhanced status code and text together (RFC 5321 §4.2, RFC 2034, RFC 3463).
import { replaceControls } from '../runtime/text.ts'

export interface Reply {
  readonly code: number
  /** Absent where RFC 2034 §4 has none: greeting, HELO and EHLO, 3xx. */
  readonly enhanced?: string | undefined
  /** One entry a line, without code; printable, no CR or LF. */
  readonly lines: readonly string[]
}

export function isPositive(reply: Reply): boolean {
  return reply.code < 400
}

/** A reply as it goes out, with its CRLFs. */
export function formatReply({ code, enhanced, lines }: Reply): string {
  const status = enhanced === undefined ? '' : `${enhanced} `
  const last = lines.length - 1
  if (last <= 0) return `${code} ${status}${printable(lines[0] ?? '')}\r\n`
  let text = ''
  for (let index = 0; index < last; index++) text += `${code}-${status}${printable(lines[index] ?? '')}\r\n`
  return `${text}${code} ${status}${printable(lines[last] ?? '')}\r\n`
}

/** Nothing that a peer or a service wrote may start a line of its own. */
export function printable(text: string): string {
  return replaceControls(text, '?')
}
