// A plain text message from a command line: header section and body (RFC 5322, RFC 2045).
import { encodeWords } from '../message/encoded-words.ts'
import { formatDate } from '../message/format-date.ts'
import { isAscii } from '../runtime/text.ts'

export interface TextMessage {
  /** The text of the From field: an address. */
  readonly author: string
  readonly to: readonly string[]
  readonly subject: string
  readonly body: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Without angle brackets. */
  readonly messageId: string
}

export function composeTextMessage({ author, to, subject, body, at, messageId }: TextMessage): Buffer {
  const ascii = isAscii(body)
  const fields = [
    `Date: ${formatDate(at)}`,
    `From: ${author}`,
    `To: ${to.join(',\r\n ')}`,
    `Subject: ${encodeWords(oneLine(subject))}`,
    `Message-ID: <${messageId}>`,
    'MIME-Version: 1.0',
    `Content-Type: text/plain; charset=${ascii ? 'us-ascii' : 'utf-8'}`,
    `Content-Transfer-Encoding: ${ascii ? '7bit' : '8bit'}`,
  ]
  const lines = body.split(/\r\n|\r|\n/)
  if (lines.at(-1) === '') lines.pop()
  return Buffer.from(`${fields.join('\r\n')}\r\n\r\n${lines.map(line => `${line}\r\n`).join('')}`)
}

// A line end here would start another header field.
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\0]+/g, ' ')
}
