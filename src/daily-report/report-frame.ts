// By what a report is known: its id, its subject and its file name, which RFC 8460 §5.1, §5.3 and RFC 9990 §3.5 write in one way.
import { type DayOfDomain, dayMs, formatDay } from './day.ts'

export interface ReportFrame extends DayOfDomain {
  /** Ours. */
  readonly hostname: string
}

/** Seconds since 1970: the first of the day, and the last. */
export function rangeOf({ day }: Pick<ReportFrame, 'day'>): { readonly begin: number; readonly end: number } {
  const begin = (day * dayMs) / 1000
  return { begin, end: begin + dayMs / 1000 - 1 }
}

export function reportId({ hostname, day, domain }: ReportFrame): string {
  return `${formatDay(day)}.${domain}@${hostname}`
}

/** `extension`: 'json.gz' */
export function reportFileName(frame: ReportFrame, extension: string): string {
  const { begin, end } = rangeOf(frame)
  return `${frame.hostname}!${frame.domain}!${begin}!${end}.${extension}`
}

const fold = '\r\n '

/** The whole field, without its last CRLF. */
export function reportSubject(frame: ReportFrame): string {
  const { hostname, domain } = frame
  return `Subject: Report Domain: ${domain}${fold}Submitter: ${hostname}${fold}Report-ID: <${reportId(frame)}>`
}
