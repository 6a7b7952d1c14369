// A server to deliver to: one address of one mail host.

export interface RemoteServer {
  /** The name in MX, or the address itself when there is none. */
  readonly host: string
  readonly address: string
  readonly port: number
  /** A UNIX socket on this machine: what is to be connected to instead. */
  readonly path?: string | undefined
  /** What it takes over LMTP is delivered. What is wrong with it before MAIL is wrong here, and mended here. */
  readonly isStore?: boolean | undefined
  /** The way of all our mail: what is wrong with it is wrong here, and not with the recipient's server. */
  readonly isSmartHost?: boolean | undefined
  /**
   * The DNS proves that mail for the domain goes to this host (DNSSEC). These are the names of the host at which its TLSA
   * records may stand, the first that has some counts (RFC 7672 §2.2.2).
   */
  readonly tlsaBases?: readonly string[] | undefined
}
