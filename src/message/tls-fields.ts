// What a header section says about TLS: "TLS-Required: No" (RFC 8689 §3), and that it is a report (RFC 8460 §5.3). Asked for
// every message that comes in, so it looks at the bytes instead of parsing the fields.

const requiredField = Buffer.from('tls-required:')
const reportField = Buffer.from('tls-report-domain:')
const lf = 0x0a
const caseBit = 0x20

export interface TlsFields {
  /** The sender wants it delivered rather than protected. */
  readonly isOptional: boolean
  readonly isReport: boolean
}

export function findTlsFields(section: Uint8Array): TlsFields {
  const values: string[] = []
  let isReport = false
  for (let lineStart = 0; lineStart < section.length; ) {
    const newline = section.indexOf(lf, lineStart)
    const lineEnd = newline < 0 ? section.length : newline
    if (startsWith(section, lineStart, requiredField))
      values.push(textOf(section, lineStart + requiredField.length, lineEnd))
    else if (startsWith(section, lineStart, reportField)) isReport = true
    lineStart = lineEnd + 1
  }
  // §3: the one value there is, and the field stands once.
  return { isOptional: values.length === 1 && /^no$/i.test(values[0] ?? ''), isReport }
}

function startsWith(section: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) {
    const octet = section[start + index] ?? 0
    // oxlint-disable-next-line no-bitwise -- letter case is one bit; hyphen and colon have it set
    if ((octet | caseBit) !== name[index]) return false
  }
  return true
}

function textOf(section: Uint8Array, start: number, end: number): string {
  return Buffer.from(section.subarray(start, Math.min(end, start + 100)))
    .toString('latin1')
    .trim()
}
