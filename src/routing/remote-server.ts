// A server to deliver to: one address of one mail host.

export interface RemoteServer {
  /** The name in MX, or the address itself when there is none. */
  readonly host: string
  readonly address: string
  readonly port: number
  /** The way of all our mail: what is wrong with it is wrong here, and not with the recipient's server. */
  readonly isSmartHost?: boolean | undefined
  /**
   * The DNS proves that mail for the domain goes to this host (DNSSEC). These are the names of the host at which its TLSA
   * records may stand, the first that has some counts (RFC 7672 §2.2.2).
   */
  readonly tlsaBases?: readonly string[] | undefined
}
