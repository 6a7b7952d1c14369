// Where a domain wants its TLS reports: the TXT record at _smtp._tls (RFC 8460 §3).

import type { Address } from '../address/address.ts'
import { parseDomain } from '../address/parse-domain.ts'
import { formatMailto, parseMailto } from '../daily-report/mailto.ts'

export type ReportTarget =
  | { readonly kind: 'mail'; readonly address: Address }
  | { readonly kind: 'https'; readonly host: string; readonly path: string }

const maxTargets = 5

/** Empty: the domain wants none. */
export function readReportTargets(texts: readonly string[]): readonly ReportTarget[] {
  const records = texts.filter(text => /^v=TLSRPTv1[ \t]*;/.test(text))
  const [only] = records
  // §3: of several, none counts.
  if (only === undefined || records.length > 1) return []
  for (const field of only.split(';').slice(1)) {
    const equals = field.indexOf('=')
    if (field.slice(0, Math.max(equals, 0)).trim() !== 'rua') continue
    const uris = field.slice(equals + 1).split(',')
    return uris.flatMap(uri => readTarget(uri.trim()) ?? []).slice(0, maxTargets)
  }
  return []
}

function readTarget(text: string): ReportTarget | undefined {
  if (!URL.canParse(text)) return undefined
  const uri = new URL(text)
  if (uri.protocol === 'mailto:') {
    const address = parseMailto(uri)
    return address && { kind: 'mail', address }
  }
  // A name and the usual port: nobody is to make this server knock at doors inside its own network.
  if (uri.protocol !== 'https:' || uri.port !== '' || uri.username !== '') return undefined
  const host = parseDomain(uri.hostname)
  return host !== undefined && host.includes('.')
    ? { kind: 'https', host, path: uri.pathname + uri.search }
    : undefined
}

export function formatTarget(target: ReportTarget): string {
  return target.kind === 'mail' ? formatMailto(target.address) : `https://${target.host}${target.path}`
}
