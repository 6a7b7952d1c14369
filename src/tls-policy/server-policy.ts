// What a connection to one mail host has to satisfy, and what came of it: plain data, and the words for people.
import type { TlsaRecord } from '../dns/answer.ts'
import type { ConnectionTls } from '../smtp/client/contract.ts'
import type { FetchedStsPolicy } from './fetch-sts-policy.ts'
import type { KeptStsPolicy } from './operations.ts'

/** RFC 8460 §4.3 */
export type TlsFailureType =
  | 'starttls-not-supported'
  | 'certificate-host-mismatch'
  | 'certificate-expired'
  | 'certificate-not-trusted'
  | 'validation-failure'
  | 'tlsa-invalid'
  | 'dnssec-invalid'
  | 'dane-required'
  | 'sts-policy-fetch-error'
  | 'sts-policy-invalid'
  | 'sts-webpki-invalid'

export type ServerTlsPolicy =
  /** Nothing is published: TLS where it is offered, with any certificate. */
  | { readonly kind: 'none' }
  /** MTA-STS; `isNamed`: the policy names this host. */
  | { readonly kind: 'sts'; readonly policy: KeptStsPolicy; readonly isNamed: boolean }
  /** DANE. With usable records the certificate has to fit one; without any, TLS is demanded with any certificate. */
  | {
      readonly kind: 'dane'
      readonly base: string
      readonly records: readonly TlsaRecord[]
      readonly usable: readonly TlsaRecord[]
    }
  /** The TLSA records could not be looked up, or are forged: nobody knows what the host demands. */
  | { readonly kind: 'dane-unknown'; readonly base: string; readonly detail: string }

/** Of the mail hosts of one domain, as of one moment. */
export interface DomainTlsPolicy {
  readonly domain: string
  readonly sts?: KeptStsPolicy | undefined
  /** The domain announces a policy, and it cannot be had. */
  readonly stsFailure?: Extract<FetchedStsPolicy, { kind: 'failed' }> | undefined
  of(server: PolicedServer): Promise<ServerTlsPolicy>
}

export interface PolicedServer {
  readonly host: string
  readonly port: number
  readonly tlsaBases?: readonly string[] | undefined
}

/** Evidence for the trail and for reports (RFC 8460): one try of one address of one host. */
export interface TlsEvidence {
  readonly host: string
  readonly address: string
  /** Ours, of the connection. */
  readonly localAddress?: string | undefined
  readonly policy: 'none' | 'sts' | 'dane'
  /** Of MTA-STS: mode, id and max_age, 'enforce 20260101T000000 604800'. Of DANE: each TLSA record. */
  readonly terms: readonly string[]
  /** Of MTA-STS: the hosts that it names. Of DANE: the name at which the records stand. */
  readonly hosts: readonly string[]
  /**
   * verified: the certificate is what the policy demands. encrypted: TLS, and the policy demands no more. plain: no TLS; without
   * a failure because our settings want none.
   */
  readonly result: 'verified' | 'encrypted' | 'plain' | 'failed'
  /** Of TLS that came about: version, cipher, and whether the certificate is valid. */
  readonly connection?: ConnectionTls | undefined
  /**
   * What was wrong with TLS; of a policy in testing, mail went all the same. Of 'verified': the policy that was kept is an older
   * one, since the one that is announced cannot be had.
   */
  readonly failure?: { readonly type: TlsFailureType; readonly detail: string } | undefined
  /** The host is proven to be the right one, and the certificate to be its own: enough for REQUIRETLS (RFC 8689 §4.2.1). */
  readonly isAuthenticated: boolean
}

export function describePolicy(policy: ServerTlsPolicy): string {
  switch (policy.kind) {
    case 'none':
      return 'TLS policy: none published; TLS where it is offered'
    case 'sts': {
      const { mode, policyId } = policy.policy
      const named = policy.isNamed ? '' : ', which does not name this host'
      return `TLS policy: MTA-STS, mode ${mode}, id ${policyId}${named}`
    }
    case 'dane':
      return policy.usable.length > 0
        ? `TLS policy: DANE, ${countRecords(policy.usable.length)} at ${policy.base}`
        : `TLS policy: DANE, no TLSA record at ${policy.base} that can be used; TLS with any certificate`
    case 'dane-unknown':
      return `TLS policy: DANE, but the TLSA records at ${policy.base} are not to be had: ${policy.detail}`
    default:
      return policy satisfies never
  }
}

function countRecords(count: number): string {
  return count === 1 ? 'one TLSA record' : `${count} TLSA records`
}
