// Replies as they come from a server, in whatever pieces (RFC 5321 §4.2.1, RFC 2034 §4).

import { replaceControls } from '../../runtime/text.ts'
import type { Reply } from '../reply.ts'

/** RFC 5321 §4.5.3.1.5 allows 512; servers that tell a story send more. */
const maxLineBytes = 8192
const maxLines = 500
const lf = 0x0a

const replyLine = /^([2-5][0-9]{2})([- ]|$)(.*)$/s
const enhancedStatus = /^([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)/

export class ReplyReader {
  #rest = Buffer.alloc(0)
  #code: string | undefined
  #lines: string[] = []

  /** The replies that are complete now; 'malformed' is the last of them when this is no SMTP server. */
  take(chunk: Buffer): readonly (Reply | 'malformed')[] {
    const replies: (Reply | 'malformed')[] = []
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    for (let end = bytes.indexOf(lf); end >= 0; end = bytes.indexOf(lf)) {
      if (end > maxLineBytes) return [...replies, 'malformed']
      const line = bytes.toString('utf8', 0, bytes[end - 1] === 0x0d ? end - 1 : end)
      bytes = bytes.subarray(end + 1)
      const reply = this.#takeLine(line)
      if (reply) replies.push(reply)
      if (reply === 'malformed') return replies
    }
    if (bytes.length > maxLineBytes) return [...replies, 'malformed']
    this.#rest = bytes.length === 0 ? empty : Buffer.from(bytes)
    return replies
  }

  /** Bytes came that are not a whole reply yet. */
  get isInTheMiddle(): boolean {
    return this.#rest.length > 0 || this.#lines.length > 0
  }

  #takeLine(line: string): Reply | 'malformed' | undefined {
    const [, code, separator, text = ''] = replyLine.exec(line) ?? []
    if (code === undefined || (this.#code !== undefined && code !== this.#code)) return 'malformed'
    this.#code = code
    // Controls would be trouble in a log, in a report and on a terminal.
    this.#lines.push(replaceControls(text, '?'))
    if (this.#lines.length > maxLines) return 'malformed'
    if (separator === '-') return undefined
    const lines = this.#lines
    this.#code = undefined
    this.#lines = []
    return toReply(Number(code), lines)
  }
}

const empty = Buffer.alloc(0)

function toReply(code: number, lines: readonly string[]): Reply {
  const enhanced = enhancedStatus.exec(lines[0] ?? '')?.[1]
  // A class that contradicts the code is no enhanced status code (RFC 2034 §4).
  if (enhanced === undefined || enhanced[0] !== String(code)[0]) return { code, lines }
  const stripped = lines.map(line =>
    line === enhanced || line.startsWith(`${enhanced} `) ? line.slice(enhanced.length).trimStart() : line,
  )
  return { code, enhanced, lines: stripped }
}
