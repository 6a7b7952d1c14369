// A server to deliver to: one address of one mail host.

export interface RemoteServer {
  /** The name in MX, or the address itself when there is none. */
  readonly host: string
  readonly address: string
  readonly port: number
  /** The way of all our mail: what is wrong with it is wrong here, and not with the recipient's server. */
  readonly isSmartHost?: boolean | undefined
}
