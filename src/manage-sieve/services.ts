// What a session of ManageSieve needs of the system around it. The composition root supplies it.
import type { TurnedAway } from '../connection/connection-host.ts'
import type { SessionPeer } from '../connection/session-peer.ts'
import type { AuthenticatedAccount, LogInServices, RefusedLogIn } from '../sasl/log-in-services.ts'
import type { Response } from './response.ts'

/** Port 4190, with STARTTLS. */
export type ListenerRole = 'sieve'

/** The peer as the session knows it so far. */
export interface Client extends SessionPeer<ListenerRole> {
  /** A peer on this very machine, and no load balancer that does not say whom it speaks for. */
  readonly loopback: boolean
}

export interface ListedScript {
  readonly name: string
  readonly isActive: boolean
}

/** Why a script is not kept. 'gone': the account has been removed. */
export type StoreProblem = 'too-many-scripts' | 'no-space' | 'gone'

/** Promises settle when what was asked is durable. Names are right (RFC 5804 §1.6); whether they exist is asked here. */
export interface SessionServices extends LogInServices<Client> {
  listScripts(account: AuthenticatedAccount): Promise<readonly ListedScript[]>
  readScript(account: AuthenticatedAccount, name: string): Promise<Uint8Array | undefined>
  /** Whether a script of this length would be kept under this name. */
  judgeSpace(account: AuthenticatedAccount, name: string, bytes: number): Promise<StoreProblem | undefined>
  /** In the place of one of this name; whether it is active stays as it was. */
  storeScript(
    account: AuthenticatedAccount,
    name: string,
    script: Uint8Array,
  ): Promise<StoreProblem | undefined>
  /** undefined: none is active. False: there is none of this name. */
  activateScript(account: AuthenticatedAccount, name: string | undefined): Promise<boolean>
  deleteScript(account: AuthenticatedAccount, name: string): Promise<'deleted' | 'nonexistent' | 'active'>
  renameScript(
    account: AuthenticatedAccount,
    from: string,
    to: string,
  ): Promise<'renamed' | 'nonexistent' | 'exists'>
  /** For the trail. Must not throw and is not waited for; as the next one. */
  loginRefused?(client: Client, refused: RefusedLogIn): void
  turnedAway?(peer: TurnedAway<ListenerRole, Response>): void
}
