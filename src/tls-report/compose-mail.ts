// A TLS report as mail (RFC 8460 §5.3).
import { composeReportMail, type ReportMail } from '../daily-report/compose-mail.ts'
import { formatDay } from '../daily-report/day.ts'

export interface TlsReportMail
  extends Pick<ReportMail, 'hostname' | 'day' | 'domain' | 'to' | 'at' | 'queueId'> {
  readonly json: string
}

export function composeTlsReportMail({ json, ...mail }: TlsReportMail): Uint8Array {
  const { hostname, domain, day } = mail
  return composeReportMail({
    ...mail,
    fields: [
      `TLS-Report-Domain: ${domain}`,
      `TLS-Report-Submitter: ${hostname}`,
      // §5.3: what is wrong with TLS there must not keep the news of it away (RFC 8689 §3).
      'TLS-Required: No',
    ],
    contentType: 'multipart/report; report-type="tlsrpt"',
    words: [
      `This is a report on TLS connections from ${hostname} to the mail`,
      `servers of ${domain} on ${formatDay(day)} (UTC; RFC 8460).`,
    ],
    content: json,
    mediaType: 'application/tlsrpt+gzip',
    extension: 'json.gz',
  })
}
