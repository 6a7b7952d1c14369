// OK, NO, BAD, BYE, PREAUTH (RFC 9051 §7.1): the answer to a command, or news of the server itself.
import { formatCode, type ResponseCode } from './codes.ts'

export interface StatusResponse {
  readonly status: 'OK' | 'NO' | 'BAD' | 'BYE' | 'PREAUTH'
  readonly code?: ResponseCode | undefined
  /** One line for a person. */
  readonly text: string
}

/** `tag` is '*' for what answers no command. */
export function formatStatusResponse(tag: string, { status, code, text }: StatusResponse): string {
  return `${tag} ${status} ${code ? `${formatCode(code)} ` : ''}${inOneLine(text)}\r\n`
}

/** OK that answers no command: what programs read of it is the code. */
export function formatNote(code: StatusResponse['code'], text: string): string {
  return formatStatusResponse('*', { status: 'OK', code, text })
}

/** resp-text is text, and there is some (§9). What a client has sent may be in it. */
function inOneLine(text: string): string {
  const plain = text.replaceAll(/[^ -~]+/g, '?').trim()
  return plain === '' ? '-' : plain
}
