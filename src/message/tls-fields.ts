// What a header section says about TLS: "TLS-Required: No" (RFC 8689 §3), and that it is a report (RFC 8460 §5.3).
import { endOfLine, shortValue, startsWithName } from './header-lines.ts'

const requiredField = Buffer.from('tls-required:')
const reportField = Buffer.from('tls-report-domain:')

export interface TlsFields {
  /** The sender wants it delivered rather than protected. */
  readonly isOptional: boolean
  readonly isReport: boolean
}

export function findTlsFields(section: Uint8Array): TlsFields {
  const values: string[] = []
  let isReport = false
  for (let start = 0; start < section.length; ) {
    const end = endOfLine(section, start)
    if (startsWithName(section, start, requiredField))
      values.push(shortValue(section, start + requiredField.length, end))
    else if (startsWithName(section, start, reportField)) isReport = true
    start = end
  }
  // §3: the one value there is, and the field stands once.
  return { isOptional: values.length === 1 && /^no$/i.test(values[0] ?? ''), isReport }
}
