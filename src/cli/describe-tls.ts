// What came of TLS on the way to another server, in plain words.
import type { TlsEvidence } from '../tls-policy/server-policy.ts'
import type { TrailEvent } from '../trail/events.ts'

type Attempt = Extract<TrailEvent, { kind: 'attempted' }>

/** What came of TLS at the server that the outcome is of. */
function evidenceOf({ outcome, tls = [] }: Attempt): TlsEvidence | undefined {
  const server = outcome.kind === 'relayed' ? outcome : 'diagnosis' in outcome ? outcome.diagnosis : undefined
  return server && tls.findLast(({ address }) => address === server.remoteAddress)
}

/** Begins with a semicolon, or is empty: what was sent could be read on the way. */
export function describePlain(event: Attempt): string {
  const { outcome } = event
  if (outcome.kind !== 'relayed' || outcome.tls !== undefined) return ''
  // Between two programs on one machine there is nobody.
  if (outcome.remoteAddress.startsWith('unix:')) return ''
  const evidence = evidenceOf(event)
  return `; ${(evidence && describeTls(evidence)) ?? 'not encrypted'}`
}

/** undefined: it did not come so far, and the outcome says why. */
function describeTls({ result, connection, failure }: TlsEvidence): string | undefined {
  switch (result) {
    case 'plain':
      return `not encrypted: ${whyPlain(failure)}`
    case 'verified':
    case 'encrypted':
      return connection
        ? `encrypted with ${connection.protocol} ${connection.cipher}; its certificate ${describeCertificate(connection)}`
        : 'encrypted'
    case 'failed':
      return undefined
    default:
      return result satisfies never
  }
}

export function whyPlain(failure: TlsEvidence['failure']): string {
  if (!failure) return 'the settings want no TLS there'
  return failure.type === 'starttls-not-supported'
    ? failure.detail
    : `TLS was tried, and failed: ${failure.detail}`
}

export function describeCertificate({ problem }: NonNullable<TlsEvidence['connection']>): string {
  return problem ? `is not verified: ${problem.detail}` : 'is verified'
}

/** What the first line does not say of it. */
export function noteTls(event: Attempt): string[] {
  const evidence = evidenceOf(event)
  if (!evidence) return []
  if (event.outcome.kind !== 'relayed') {
    const said = describeTls(evidence)
    return said === undefined ? [] : [said.charAt(0).toUpperCase() + said.slice(1)]
  }
  const { connection, host, policy } = evidence
  return connection && policy === 'none'
    ? [`The certificate of ${host} ${describeCertificate(connection)}`]
    : []
}

/** What a policy of the receiver made of the connection that took the message. Begins with a semicolon, or is empty. */
export function describeProof(evidence: TlsEvidence | undefined): string {
  if (!evidence) return ''
  const { failure, host, policy, result } = evidence
  // RFC 8461 §3.3: it goes as the policy from before demands, or as if there were none.
  const lost = failure?.type.startsWith('sts-')
    ? `; the MTA-STS policy that its domain announces cannot be had: ${failure.detail}`
    : ''
  if (policy === 'none') return lost
  // Nothing goes out so against a policy in force.
  if (result === 'plain') return '; its MTA-STS policy demands TLS, but is not in force yet'
  const whose = policy === 'dane' ? 'its DNS demands (DANE)' : 'its MTA-STS policy demands'
  if (result === 'verified') return `; the certificate of ${host} is as ${whose}${lost}`
  if (failure) return `; that is not as ${whose}, which is not in force yet: ${failure.detail}`
  return `; encrypted as ${whose}`
}
