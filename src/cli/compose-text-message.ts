// A plain text message from a command line: header section and body (RFC 5322, RFC 2045, RFC 2047).

export interface TextMessage {
  /** The text of the From field: an address. */
  readonly author: string
  readonly to: readonly string[]
  readonly subject: string
  readonly body: string
  /** As the Date field has it. */
  readonly date: string
  /** Without angle brackets. */
  readonly messageId: string
}

export function composeTextMessage({ author, to, subject, body, date, messageId }: TextMessage): Buffer {
  const ascii = isAscii(body)
  const fields = [
    `Date: ${date}`,
    `From: ${author}`,
    `To: ${to.join(',\r\n ')}`,
    `Subject: ${encodeUnstructured(subject)}`,
    `Message-ID: <${messageId}>`,
    'MIME-Version: 1.0',
    `Content-Type: text/plain; charset=${ascii ? 'us-ascii' : 'utf-8'}`,
    `Content-Transfer-Encoding: ${ascii ? '7bit' : '8bit'}`,
  ]
  const lines = body.split(/\r\n|\r|\n/)
  if (lines.at(-1) === '') lines.pop()
  return Buffer.from(`${fields.join('\r\n')}\r\n\r\n${lines.map(line => `${line}\r\n`).join('')}`)
}

export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7e) return false
  return true
}

// RFC 2047 §2: an encoded-word has at most 75 characters: 45 bytes in Base64 and 12 of its frame, with room to spare.
const encodedWordBytes = 42

function encodeUnstructured(text: string): string {
  // A line end here would start another header field.
  const line = text.replaceAll(/[\r\n\0]+/g, ' ')
  if (isAscii(line)) return line
  const words: string[] = []
  let chunk = ''
  for (const character of line) {
    // RFC 2047 §5: no character is split between two encoded-words.
    if (Buffer.byteLength(chunk + character) > encodedWordBytes) {
      words.push(chunk)
      chunk = ''
    }
    chunk += character
  }
  return [...words, chunk].map(word => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ')
}
