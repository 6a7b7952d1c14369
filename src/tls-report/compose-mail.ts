// A TLS report as mail (RFC 8460 §5.3): some words for people, and the report, compressed.
import { gzipSync } from 'node:zlib'
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { formatDate } from '../message/format-date.ts'
import { dayMs, formatDay } from './day.ts'
import { type ReportFrame, reportId } from './report-json.ts'

export interface ReportMail extends ReportFrame {
  readonly to: readonly Address[]
  readonly at: number
  /** Of the message. */
  readonly queueId: string
  readonly json: string
}

const crlf = '\r\n'

export function composeReportMail(mail: ReportMail): Uint8Array {
  const { hostname, day, domain, to, at, queueId, json } = mail
  const boundary = `postrider-${queueId}`
  const start = day * 86_400
  const fileName = `${hostname}!${domain}!${start}!${start + dayMs / 1000 - 1}.json.gz`
  const lines = [
    `From: <postmaster@${hostname}>`,
    `To: ${to.map(address => `<${formatAddress(address)}>`).join(`,${crlf} `)}`,
    `Subject: Report Domain: ${domain}${crlf} Submitter: ${hostname}${crlf} Report-ID: <${reportId(mail)}>`,
    `Date: ${formatDate(at)}`,
    `Message-ID: <${queueId}@${hostname}>`,
    `TLS-Report-Domain: ${domain}`,
    `TLS-Report-Submitter: ${hostname}`,
    // §5.3: what is wrong with TLS there must not keep the news of it away (RFC 8689 §3).
    'TLS-Required: No',
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type="tlsrpt";${crlf} boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `This is a report on TLS connections from ${hostname} to the mail`,
    `servers of ${domain} on ${formatDay(day)} (UTC; RFC 8460).`,
    '',
    `--${boundary}`,
    'Content-Type: application/tlsrpt+gzip',
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment;${crlf} filename="${fileName}"`,
    '',
    ...(gzipSync(json)
      .toString('base64')
      .match(/.{1,76}/g) ?? []),
    `--${boundary}--`,
    '',
  ]
  return Buffer.from(lines.join(crlf))
}
