// Whose domain wrote a message, as far as this server found it proven when the message came (DMARC, RFC 9989).
import { findOwnResults } from './own-results.ts'

export interface ComeMessage {
  /** It is a report of this server itself. */
  readonly isReport: boolean
  readonly traceFields?: string | undefined
}

/** '': nobody's. */
export function provenAuthor({ isReport, traceFields = '' }: ComeMessage, hostname: string): string {
  if (isReport) return hostname
  const found = findOwnResults(traceFields, hostname)
  const dmarc = found?.results.find(({ method, result }) => method === 'dmarc' && result === 'pass')
  return dmarc?.properties.get('header.from')?.toLowerCase() ?? ''
}
