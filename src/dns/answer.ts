// What a question to the DNS comes to (RFC 1034, RFC 2308).

/** Whether a resolver that is trusted to say so has validated the whole answer (RFC 4035 §3.2.3). */
interface Validated {
  readonly isAuthentic?: true | undefined
}

export type Answer<Data> =
  | ({
      readonly kind: 'found'
      readonly records: readonly Data[]
      readonly ttlMs: number
      /** Where the aliases (CNAME) of the name lead, when it has any. */
      readonly leadsTo?: string | undefined
    } & Validated)
  /** NXDOMAIN: the name does not exist. */
  | ({ readonly kind: 'no-such-domain' } & Validated)
  /** The name exists, records of this type don't. */
  | ({ readonly kind: 'no-data' } & Validated)
  /** Nobody answered, or a server had a problem: ask again later. */
  | { readonly kind: 'temporary-failure'; readonly detail: string }

export interface MailExchange {
  readonly preference: number
  /** Lower case, without a final dot; '' is the root: a null MX (RFC 7505). */
  readonly exchange: string
}

/** RFC 6698 §2.1 */
export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly data: Uint8Array
}

export interface DnsServer {
  readonly address: string
  readonly port: number
}

/**
 * Whose word on DNSSEC is taken: that of servers on this machine, of all, of none. Between this machine and a server
 * elsewhere anybody on the way could say that an answer was validated (RFC 4035 §4.9.3).
 */
export type DnssecTrust = 'loopback' | 'always' | 'never'
