// A notice as a whole message, from the server itself.
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { encodeWords } from '../message/encoded-words.ts'
import { formatDate } from '../message/format-date.ts'
import { composeAlternatives, crlf, formatSender } from './compose-parts.ts'
import type { Notice } from './notice.ts'

export interface NoticeMail {
  readonly notice: Notice
  readonly subject: string
  readonly to: readonly Address[]
  /** As whom the server writes: 'Mail server'. */
  readonly senderName: string
  readonly hostname: string
  readonly language: string
  readonly at: number
  /** Of the message. */
  readonly queueId: string
}

/** Seven bits, but for addresses that have more, with CRLF line ends. */
export function composeNoticeMail(mail: NoticeMail): Uint8Array {
  const { notice, subject, to, senderName, hostname, language, at, queueId } = mail
  const body = composeAlternatives(notice, { language, title: subject, boundary: `postrider-${queueId}` })
  const header = [
    `From: ${formatSender(encodeWords(senderName), `<MAILER-DAEMON@${hostname}>`)}`,
    `To: ${to.map(address => `<${formatAddress(address)}>`).join(`,${crlf} `)}`,
    `Subject: ${encodeWords(subject)}`,
    `Date: ${formatDate(at)}`,
    `Message-ID: <${queueId}@${hostname}>`,
    // RFC 3834 §5: so that no program answers.
    'Auto-Submitted: auto-generated',
    `Content-Language: ${language}`,
    'MIME-Version: 1.0',
    ...body.fields,
  ]
  return Buffer.concat([Buffer.from(header.join(crlf) + crlf + crlf), body.bytes])
}
