// What a question to the DNS comes to (RFC 1034, RFC 2308).

export type Answer<Data> =
  | { readonly kind: 'found'; readonly records: readonly Data[]; readonly ttlMs: number }
  /** NXDOMAIN: the name does not exist. */
  | { readonly kind: 'no-such-domain' }
  /** The name exists, records of this type don't. */
  | { readonly kind: 'no-data' }
  /** Nobody answered, or a server had a problem: ask again later. */
  | { readonly kind: 'temporary-failure'; readonly detail: string }

export interface MailExchange {
  readonly preference: number
  /** Lower case, without a final dot; '' is the root: a null MX (RFC 7505). */
  readonly exchange: string
}

export interface DnsServer {
  readonly address: string
  readonly port: number
}
