// What an IMAP server session needs of the system around it. The composition root supplies it; an embedding program
// supplies its own.
import type { TurnedAway } from '../../connection/connection-host.ts'
import type { SessionPeer } from '../../connection/session-peer.ts'
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import type { AuthenticatedAccount, LogInServices, RefusedLogIn } from '../../sasl/log-in-services.ts'
import type { StatusResponse } from '../responses/status-response.ts'
import type { Refusal, SessionMailboxes } from './mailbox-services.ts'

/** imap: port 143, with STARTTLS. imaps: port 993, TLS from the first byte. */
export type ListenerRole = 'imap' | 'imaps'

/** The peer as the session knows it so far. A new value whenever something is learned. */
export interface Client extends SessionPeer<ListenerRole> {
  /** What the program says of itself (ID, RFC 2971): 'name', 'version' … */
  readonly identity?: ReadonlyMap<string, string | null> | undefined
  /** A peer on this very machine, and no load balancer that does not say whom it speaks for. */
  readonly loopback: boolean
}

export interface SessionServices extends LogInServices<Client> {
  /** At connect: undefined greets; a response refuses and closes. */
  connect?(client: Client): MaybePromise<StatusResponse | undefined>
  /** Somebody has logged in: his mailboxes, for this session. They are closed with it. */
  openMailboxes(client: Client, account: AuthenticatedAccount): MaybePromise<SessionMailboxes>
  /** What the client is told of a fault of these services, which the log has; undefined: that something went wrong here. */
  explainFault?(cause: unknown): Refusal | undefined
  /** For the trail. Must not throw and is not waited for; as the next three. */
  loginRefused?(client: Client, refused: RefusedLogIn): void
  turnedAway?(peer: TurnedAway<ListenerRole, StatusResponse>): void
  disconnected?(client: Client): void
}
