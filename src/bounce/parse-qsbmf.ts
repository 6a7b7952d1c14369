// What qmail writes in place of a report of RFC 3464, with paragraphs for programs too: QSBMF
// (https://cr.yp.to/proto/qsbmf.txt).
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'

export interface QsbmfReport {
  /** For each of them it was given up. */
  readonly recipients: readonly QsbmfRecipient[]
  /** The message that came back. */
  readonly returned: Buffer
}

export interface QsbmfRecipient {
  readonly recipient: Address
  /** RFC 3463 */
  readonly status?: string | undefined
  readonly reason: string
}

const maxParagraphs = 200
const introduction = 'Hi. This is '

/** undefined: the body of a message in another form. */
export function parseQsbmf(body: Buffer): QsbmfReport | undefined {
  const text = body.toString('latin1').replaceAll('\r\n', '\n').replace(/^\n+/, '')
  if (!text.startsWith(introduction)) return undefined
  const recipients: QsbmfRecipient[] = []
  let from = 0
  for (let count = 0; count < maxParagraphs; count++) {
    const end = text.indexOf('\n\n', from)
    if (end < 0) break
    const paragraph = text.slice(from, end)
    from = end + 2
    // The break paragraph: behind it stands the message.
    if (paragraph.startsWith('-')) return { recipients, returned: toMail(text.slice(from)) }
    const recipient = readRecipient(paragraph)
    if (recipient) recipients.push(recipient)
  }
  return { recipients, returned: Buffer.alloc(0) }
}

function readRecipient(paragraph: string): QsbmfRecipient | undefined {
  const [first = '', ...lines] = paragraph.split('\n')
  if (!first.startsWith('<') || !first.endsWith('>:')) return undefined
  const recipient = parseAddress(first.slice(1, -2))
  if (!recipient) return undefined
  const reason = lines.join(' ')
  return { recipient, status: findStatus(reason), reason }
}

/** qmail's own stand in brackets, '(#5.1.1)'; those of a remote server in its reply. */
function findStatus(reason: string): string | undefined {
  return (
    /\(#([245]\.\d{1,3}\.\d{1,3})\)/.exec(reason)?.[1] ??
    /\b[45]\d\d[ -]([45]\.\d{1,3}\.\d{1,3})\b/.exec(reason)?.[1]
  )
}

function toMail(text: string): Buffer {
  return Buffer.from(text.replace(/^\n+/, '').replaceAll('\n', '\r\n'), 'latin1')
}
