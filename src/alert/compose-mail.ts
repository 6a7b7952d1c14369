// An alert as mail.
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { encodeWords } from '../message/encoded-words.ts'
import { formatDate } from '../message/format-date.ts'
import { composeAlternatives, crlf, formatSender } from '../notice/compose-parts.ts'
import type { Alert } from './alert.ts'
import { alertTexts, composeNotice, type NoticeOptions } from './describe-alert.ts'

export interface AlertMailOptions extends NoticeOptions {
  readonly to: readonly Address[]
  readonly at: number
  /** Of the message. */
  readonly queueId: string
}

/** Seven bits, with CRLF line ends. */
export function composeAlertMail(alert: Alert, options: AlertMailOptions): Uint8Array {
  const { to, at, queueId, hostname, language } = options
  const { subject, notice } = composeNotice(alert, options)
  const body = composeAlternatives(notice, { language, title: subject, boundary: `postrider-${queueId}` })
  const header = [
    `From: ${formatSender(encodeWords(alertTexts[language].senderName), `<MAILER-DAEMON@${hostname}>`)}`,
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
