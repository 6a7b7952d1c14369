// A report as mail: some words for people, and the report, compressed (RFC 8460 §5.3, RFC 9990 §3.5.2).
import { gzipSync } from 'node:zlib'
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { formatDate } from '../message/format-date.ts'
import { type ReportFrame, reportFileName, reportSubject } from './report-frame.ts'

export interface ReportMail extends ReportFrame {
  readonly to: readonly Address[]
  readonly at: number
  /** Of the message. */
  readonly queueId: string
  /** Further lines of the header section. */
  readonly fields: readonly string[]
  /** 'multipart/mixed', with parameters where it has them. */
  readonly contentType: string
  /** Lines in ASCII, for people. */
  readonly words: readonly string[]
  readonly content: string
  /** Of the compressed content: 'application/gzip', 'xml.gz'. */
  readonly mediaType: string
  readonly extension: string
}

const crlf = '\r\n'

export function composeReportMail(mail: ReportMail): Uint8Array {
  const { hostname, to, at, queueId, fields, contentType, words, content, mediaType, extension } = mail
  const boundary = `postrider-${queueId}`
  const lines = [
    `From: <postmaster@${hostname}>`,
    `To: ${to.map(address => `<${formatAddress(address)}>`).join(`,${crlf} `)}`,
    reportSubject(mail),
    `Date: ${formatDate(at)}`,
    `Message-ID: <${queueId}@${hostname}>`,
    ...fields,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    `Content-Type: ${contentType};${crlf} boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    ...words,
    '',
    `--${boundary}`,
    `Content-Type: ${mediaType}`,
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment;${crlf} filename="${reportFileName(mail, extension)}"`,
    '',
    ...(gzipSync(content)
      .toString('base64')
      .match(/.{1,76}/g) ?? []),
    `--${boundary}--`,
    '',
  ]
  return Buffer.from(lines.join(crlf))
}
