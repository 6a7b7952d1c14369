// Where a server listens, whatever it speaks.

export type ListenerOptions<Role extends string = string> = PortOptions<Role> | UnixSocketOptions<Role>

/** Who may open the file is for the caller to say, who makes its folder and removes what is stale. */
export interface UnixSocketOptions<Role extends string = string> {
  readonly role: Role
  /** Absolute. */
  readonly path: string
}

/** `Role` says what the server is there to whoever comes: 'relay', 'imaps'. */
export interface PortOptions<Role extends string = string> {
  readonly role: Role
  /** '::' takes IPv4 too where the system allows it. */
  readonly address: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Who may come in at all: addresses or CIDR networks. Default: everybody. */
  readonly clients?: readonly string[]
  /** Peers (addresses or CIDR networks) that must start with a PROXY protocol header, v1 or v2; nobody else may. */
  readonly proxyFrom?: readonly string[]
  /** Several threads listen on the same port (SO_REUSEPORT). */
  readonly reusePort?: boolean
  /**
   * Sockets that listen there already, by file descriptor (opened by systemd): they are used, and none is opened; with an
   * empty list another thread has them. Whoever comes when this server closes is left to the next that uses them.
   */
  readonly sockets?: readonly number[] | undefined
}

export interface BoundListener<Role extends string = string> {
  readonly role: Role
  /** '' and 0 where it is a UNIX socket. */
  readonly address: string
  readonly port: number
  readonly path?: string | undefined
}
