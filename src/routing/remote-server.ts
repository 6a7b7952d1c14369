// A server to deliver to: one address of one mail host.

export interface RemoteServer {
  /** The name in MX, or the address itself when there is none. */
  readonly host: string
  readonly address: string
  readonly port: number
}
