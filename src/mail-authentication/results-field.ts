// What was found, as the Authentication-Results field that mail programs and filters read (RFC 8601 §2.7).

import { composeAuthenticationResults, type MethodResult } from './authentication-results.ts'
import type { AuthenticationEvidence } from './evidence.ts'

/** `hostname`: of this server, by whose name readers know that they may believe it. With its final CRLF. */
export function composeResultsField(
  hostname: string,
  clientAddress: string,
  evidence: AuthenticationEvidence,
): string {
  return composeAuthenticationResults(hostname, [
    ...dmarcResults(evidence),
    ...dkimResults(evidence),
    ...spfResults(evidence),
    ...arcResults(evidence, clientAddress),
    ...iprevResults(evidence, clientAddress),
  ])
}

function dmarcResults({ dmarc, authorProblem }: AuthenticationEvidence): MethodResult[] {
  if (!dmarc) return []
  const { result, problem = authorProblem, domain, policy } = dmarc
  return [
    {
      method: 'dmarc',
      result,
      reason: problem,
      properties: { 'header.from': domain, 'policy.dmarc': policy },
    },
  ]
}

function dkimResults({ dkim, dkimPassedOver }: AuthenticationEvidence): MethodResult[] {
  if (!dkim) return []
  if (dkim.length === 0) return [{ method: 'dkim', result: 'none', properties: {} }]
  const results: MethodResult[] = dkim.map(({ result, problem, domain, selector, algorithm, tell }) => ({
    method: 'dkim',
    result,
    reason: problem,
    properties: { 'header.d': domain, 'header.s': selector, 'header.a': algorithm, 'header.b': tell },
  }))
  if (dkimPassedOver === undefined) return results
  return [
    ...results,
    {
      method: 'dkim',
      result: 'policy',
      reason: `${dkimPassedOver} more signatures not looked at`,
      properties: {},
    },
  ]
}

function spfResults({ spf = [] }: AuthenticationEvidence): MethodResult[] {
  return spf.map(({ identity, domain, result, problem }) => ({
    method: 'spf',
    result,
    reason: problem,
    properties: { [`smtp.${identity}`]: domain === '' ? undefined : domain },
  }))
}

function arcResults({ arc }: AuthenticationEvidence, clientAddress: string): MethodResult[] {
  if (!arc || arc.result === 'none') return []
  return [
    {
      method: 'arc',
      result: arc.result,
      reason: arc.problem ?? (arc.trusted === undefined ? undefined : `${arc.trusted} is trusted`),
      properties: { 'smtp.remote-ip': clientAddress },
    },
  ]
}

function iprevResults({ iprev }: AuthenticationEvidence, clientAddress: string): MethodResult[] {
  if (!iprev) return []
  const { result, problem } = iprev
  return [{ method: 'iprev', result, reason: problem, properties: { 'policy.iprev': clientAddress } }]
}
