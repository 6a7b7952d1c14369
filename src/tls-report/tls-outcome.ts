// What counts of a connection for reports (RFC 8460 §4.3, §4.4): which policy held, and what was wrong.
import type { TlsEvidence, TlsFailureType } from '../tls-policy/server-policy.ts'

/** Connections that are the same in this are counted together. */
export interface TlsOutcome {
  readonly policy: TlsEvidence['policy']
  readonly terms: readonly string[]
  readonly hosts: readonly string[]
  /** Only of failures, as the next ones. */
  readonly failure?: TlsFailureType | undefined
  readonly detail?: string | undefined
  readonly mx?: string | undefined
  readonly receivingIp?: string | undefined
  readonly sendingIp?: string | undefined
}

const maxDetailLength = 300

export function outcomeOf(evidence: TlsEvidence): TlsOutcome {
  const { policy, terms, hosts, failure, host, address, localAddress } = evidence
  const common = { policy, terms, hosts }
  if (!failure) return common
  return {
    ...common,
    failure: failure.type,
    detail: failure.detail.slice(0, maxDetailLength),
    mx: host,
    receivingIp: withoutPort(address),
    ...(localAddress === undefined ? {} : { sendingIp: localAddress }),
  }
}

/** '192.0.2.1:25', '[2001:db8::1]:25' */
function withoutPort(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replaceAll(/[[\]]/g, '')
}
