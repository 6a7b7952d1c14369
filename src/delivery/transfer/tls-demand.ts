// From the TLS policy of a mail host to what its connection has to satisfy, and from what came of it to evidence and
// diagnosis (RFC 7672 §2.2, §3; RFC 8461 §5; RFC 8460 §4.3).
import type { CertificateProblem } from '../../connection/server-certificate.ts'
import type { RemoteServer } from '../../routing/remote-server.ts'
import { systemClock } from '../../runtime/clock.ts'
import type {
  ClientFailureFacts,
  ClientTls,
  SmtpClientOptions,
  SmtpConnection,
} from '../../smtp/client/contract.ts'
import { formatTlsa, verifyByTlsa } from '../../tls-policy/dane.ts'
import type {
  DomainTlsPolicy,
  ServerTlsPolicy,
  TlsEvidence,
  TlsFailureType,
} from '../../tls-policy/server-policy.ts'
import type { NegativeOutcome } from '../outcome.ts'
import { judgeFailure, remoteAddress, whereMet } from '../replies/diagnose.ts'

export const noPolicy: ServerTlsPolicy = { kind: 'none' }

export interface TlsDemand extends Pick<SmtpClientOptions, 'serverName' | 'verifyChain'> {
  readonly kind: 'tls'
  readonly tls: ClientTls
  readonly verifyCertificate: boolean
  /** The receiver demands it, and not our settings. */
  readonly isPolicy: boolean
}

interface NotAtAll {
  readonly kind: 'not-at-all'
  readonly outcome: NegativeOutcome
  readonly evidence: TlsEvidence
}

/** The settings as far as they say something of TLS. */
interface OwnTerms extends Pick<TlsDemand, 'tls' | 'verifyCertificate'> {
  readonly common: Pick<SmtpClientOptions, 'clock'>
}

export function demandOf(
  policy: ServerTlsPolicy,
  server: RemoteServer,
  domain: string | undefined,
  terms: OwnTerms,
): TlsDemand | NotAtAll {
  const { tls, verifyCertificate } = terms
  const own: TlsDemand = { kind: 'tls', tls, verifyCertificate, isPolicy: false }
  const demanded: TlsDemand = { ...own, tls: 'starttls', isPolicy: true }
  switch (policy.kind) {
    case 'none':
      return own
    case 'sts': {
      if (policy.policy.mode !== 'enforce') return own
      if (policy.isNamed) return { ...demanded, verifyCertificate: true }
      const detail = `the MTA-STS policy of ${domain} does not name ${server.host}, so it may be somebody else's server`
      return notAtAll(policy, server, 'sts-mismatch', '4.7.0', { type: 'validation-failure', detail })
    }
    case 'dane': {
      // RFC 7672 §2.2: records of which none can be used still demand TLS, with whatever certificate.
      if (policy.usable.length === 0) return { ...demanded, verifyCertificate: false }
      const names = [policy.base, server.host, ...(domain === undefined ? [] : [domain])]
      const now = (): number => (terms.common.clock ?? systemClock).now()
      return {
        ...demanded,
        verifyCertificate: true,
        serverName: policy.base,
        verifyChain: verifyByTlsa(policy.usable, [...new Set(names)], now),
      }
    }
    case 'dane-unknown': {
      const detail = `the TLSA records of ${server.host} are not to be had, so nobody knows which certificate is right: ${policy.detail}`
      return notAtAll(policy, server, 'tlsa-bogus', '4.4.3', { type: 'dnssec-invalid', detail })
    }
    default:
      return policy satisfies never
  }
}

function notAtAll(
  policy: ServerTlsPolicy,
  server: RemoteServer,
  cause: NegativeOutcome['diagnosis']['cause'],
  status: string,
  failure: NonNullable<TlsEvidence['failure']>,
): NotAtAll {
  return {
    kind: 'not-at-all',
    outcome: {
      kind: 'deferred',
      diagnosis: { stage: 'tls', cause, status, ...whereMet(server), detail: failure.detail },
    },
    evidence: { ...describe(policy, server), result: 'failed', failure, isAuthenticated: false },
  }
}

/** Under a policy nothing about TLS is for good: it may be mended, or an attack that ends. */
export function judgeUnderPolicy(
  server: RemoteServer,
  facts: ClientFailureFacts,
  policy: ServerTlsPolicy,
): NegativeOutcome {
  if (facts.stage !== 'tls') return judgeFailure(server, facts)
  const whose = policy.kind === 'sts' ? 'the MTA-STS policy of its domain' : 'its DNS (DANE)'
  return {
    kind: 'deferred',
    diagnosis: {
      stage: 'tls',
      ...(facts.certificate
        ? { cause: 'tls-certificate', status: '4.7.5' }
        : { cause: 'tls-required', status: '4.7.10' }),
      ...whereMet(server),
      ...(facts.reply ? { reply: facts.reply } : {}),
      detail: `${facts.detail}; ${whose} demands ${facts.certificate ? 'another one' : 'TLS'}`,
    },
  }
}

export type ConnectionTry = (
  | { readonly connection: SmtpConnection }
  | { readonly facts: ClientFailureFacts }
) & {
  /** A try with TLS before it. */
  readonly tlsFailure?: ClientFailureFacts | undefined
}

/** undefined: it did not come as far as TLS. */
export function gatherEvidence(
  policy: ServerTlsPolicy,
  server: RemoteServer,
  policies: DomainTlsPolicy | undefined,
  attempt: ConnectionTry,
): TlsEvidence | undefined {
  const failedFacts = attempt.tlsFailure ?? ('facts' in attempt ? attempt.facts : undefined)
  const localAddress = 'connection' in attempt ? attempt.connection.localAddress : failedFacts?.localAddress
  const common = { ...describe(policy, server), ...(localAddress ? { localAddress } : {}) }
  if (!('connection' in attempt)) {
    if (failedFacts?.stage !== 'tls') return undefined
    return { ...common, result: 'failed', failure: failureOf(failedFacts), isAuthenticated: false }
  }
  const { tls } = attempt.connection
  if (!tls) {
    const failure = failedFacts ? failureOf(failedFacts) : missingTls(attempt.connection, server)
    return { ...common, result: 'plain', failure, isAuthenticated: false }
  }
  const isHostProven =
    server.tlsaBases !== undefined ||
    server.isSmartHost === true ||
    (policies?.sts !== undefined && policy.kind === 'sts' && policy.isNamed)
  const isAuthenticated = tls.authorized && isHostProven
  const problem = stsProblem(policy, server, tls.problem)
  const isKept = problem === undefined && isStrict(policy)
  return {
    ...common,
    result: isKept ? 'verified' : 'encrypted',
    connection: tls,
    failure: problem ?? fetchFailure(policy, policies),
    isAuthenticated,
  }
}

/** RFC 8460 §4.3.2.2. DANE goes before, and is kept or not without it. */
function fetchFailure(
  policy: ServerTlsPolicy,
  policies: DomainTlsPolicy | undefined,
): TlsEvidence['failure'] {
  const failure = policies?.stsFailure
  return failure && policy.kind !== 'dane' ? { type: failure.resultType, detail: failure.detail } : undefined
}

/** TLS that is not tried, because our settings want none. */
export function noTlsWanted(policy: ServerTlsPolicy, server: RemoteServer): TlsEvidence {
  return { ...describe(policy, server), result: 'plain', isAuthenticated: false }
}

function missingTls(
  { tlsRefusal }: SmtpConnection,
  { host }: RemoteServer,
): NonNullable<TlsEvidence['failure']> {
  const detail = tlsRefusal
    ? `${host} offers STARTTLS, and refused it (${[tlsRefusal.code, tlsRefusal.enhanced ?? [], ...tlsRefusal.lines].flat().join(' ')})`
    : `${host} offers no STARTTLS`
  return { type: 'starttls-not-supported', detail }
}

function isStrict(policy: ServerTlsPolicy): boolean {
  return policy.kind === 'sts' || (policy.kind === 'dane' && policy.usable.length > 0)
}

/** Of a policy in testing: what would have been the end in 'enforce'. */
function stsProblem(
  policy: ServerTlsPolicy,
  server: RemoteServer,
  problem: CertificateProblem | undefined,
): TlsEvidence['failure'] {
  if (policy.kind !== 'sts') return undefined
  if (!policy.isNamed)
    return { type: 'validation-failure', detail: `the MTA-STS policy does not name ${server.host}` }
  return problem && { type: typeOfCertificateProblem(problem), detail: `${server.host}: ${problem.detail}` }
}

const maxTermLength = 200

function describe(
  policy: ServerTlsPolicy,
  server: RemoteServer,
): Pick<TlsEvidence, 'host' | 'address' | 'policy' | 'terms' | 'hosts'> {
  const where = { host: server.host, address: remoteAddress(server) }
  switch (policy.kind) {
    case 'none':
      return { ...where, policy: 'none', terms: [], hosts: [] }
    case 'sts': {
      const { mode, policyId, mx, fetchedAt, expiresAt } = policy.policy
      const maxAge = (expiresAt - fetchedAt) / 1000
      return { ...where, policy: 'sts', terms: [`${mode} ${policyId} ${maxAge}`], hosts: mx }
    }
    case 'dane':
      return {
        ...where,
        policy: 'dane',
        terms: policy.records.map(record => formatTlsa(record).slice(0, maxTermLength)),
        hosts: [policy.base],
      }
    case 'dane-unknown':
      return { ...where, policy: 'dane', terms: [], hosts: [policy.base] }
    default:
      return policy satisfies never
  }
}

function failureOf(facts: ClientFailureFacts): NonNullable<TlsEvidence['failure']> {
  const { certificate, detail, kind, reply } = facts
  if (certificate) return { type: typeOfCertificateProblem(certificate), detail }
  const isMissing = kind === 'extension-missing' || reply !== undefined
  return { type: isMissing ? 'starttls-not-supported' : 'validation-failure', detail }
}

function typeOfCertificateProblem({ code }: CertificateProblem): TlsFailureType {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'certificate-expired'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return 'certificate-host-mismatch'
    default:
      return 'certificate-not-trusted'
  }
}
