// The peer of a session, whatever is spoken: what a session knows of it at least.
import type { AuthenticatedAccount } from '../sasl/log-in-services.ts'
import type { TlsFacts } from './tls-facts.ts'

export interface SessionPeer<Role extends string> {
  /** Unique among all servers; joins the log lines and the trail of one connection. */
  readonly sessionId: string
  readonly role: Role
  /**
   * The peer's address (from the PROXY header, where there was one): '192.0.2.1', '2001:db8::1'. On a UNIX socket nobody has
   * one: 'unix:' and the path of the socket.
   */
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly connectedAt: number
  readonly tls?: TlsFacts | undefined
  /** Whom a log-in has proved. */
  readonly account?: AuthenticatedAccount | undefined
}
