// What is kept of certificates that an authority issues to this server.

/** Why an authority issued none, as far as what to do about it differs. */
const issuingProblemSorts = [
  /** The authority cannot be reached, or is in trouble itself. */
  'unreachable',
  'rate-limited',
  /** It did not find what the challenge puts there. */
  'http-01',
  'tls-alpn-01',
  'dns-01',
  /** A CAA record forbids it. */
  'caa',
  /** It wants no account of ours, or not this one. */
  'account',
  /** The administrator's program for the DNS failed. */
  'hook',
  /** The port on which it asks cannot be opened. */
  'port',
  /** What it issued is not what was asked for. */
  'certificate',
  /** A new key waits for its TLSA record. */
  'tlsa',
  /** It refuses for another reason. */
  'refused',
] as const
export type IssuingProblemSort = (typeof issuingProblemSorts)[number]

export interface IssuingProblem {
  readonly sort: IssuingProblemSort
  /** In English, with the words of the authority. */
  readonly detail: string
  /** ms since 1970 */
  readonly at: number
}

export interface AcmeAccount {
  /** The URL of the authority's directory. */
  readonly directory: string
  readonly keyPem: string
  /** undefined: it has yet to be registered. */
  readonly url: string | undefined
  /** As it was registered. */
  readonly contact: string | undefined
}

/** A name for which certificates are asked for. */
export interface AcmeCertificate {
  readonly name: string
  /** Of the present certificate, or of the first one to come. */
  readonly keyPem: string
  readonly keySince: number
  /** Takes its place at a renewal. */
  readonly nextKey: { readonly pem: string; readonly since: number } | undefined
  /** With its chain; undefined: none was issued yet. */
  readonly certificatePem: string | undefined
  /** Who issued it. */
  readonly directory: string | undefined
  readonly issuedAt: number | undefined
  /** When the next one is asked for. */
  readonly nextAt: number
  /** How often in a row that failed. */
  readonly failures: number
  readonly problem: IssuingProblem | undefined
}

/** How a server proves that it is reached by a name (RFC 8555 §8, RFC 8737). */
export type ChallengeType = 'http-01' | 'tls-alpn-01' | 'dns-01'
