// What a POP3 server session needs of the system around it. The composition root supplies it; an embedding program supplies its own.
import type { TurnedAway } from '../../connection/connection-host.ts'
import type { SessionPeer } from '../../connection/session-peer.ts'
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import type { AuthenticatedAccount, LogInServices, RefusedLogIn } from '../../sasl/log-in-services.ts'
import type { Response } from '../responses/response.ts'
import type { Maildrop } from './maildrop-services.ts'

/** pop3: port 110, with STLS. pop3s: port 995, TLS from the first byte. */
export type ListenerRole = 'pop3' | 'pop3s'

/** The peer as the session knows it so far. A new value whenever something is learned. */
export interface Client extends SessionPeer<ListenerRole> {
  /** A peer on this very machine, and no load balancer that does not say whom it speaks for. */
  readonly loopback: boolean
}

export interface SessionServices extends LogInServices<Client> {
  /** At connect: undefined greets; a response refuses and closes. */
  connect?(client: Client): MaybePromise<Response | undefined>
  /** Somebody has logged in: his maildrop, which nobody else has until it is closed. 'in-use': somebody else has it. */
  openMaildrop(client: Client, account: AuthenticatedAccount): Promise<Maildrop | 'in-use'>
  /** For the trail. Must not throw and is not waited for; as the next two. */
  loginRefused?(client: Client, refused: RefusedLogIn): void
  turnedAway?(peer: TurnedAway<ListenerRole, Response>): void
  disconnected?(client: Client): void
}
