// The states of a session (RFC 9051 §3): a mailbox is selected only where there is one.

import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import type { DialogueStep } from '../../sasl/dialogue.ts'
import type { AuthenticatedAccount } from '../../sasl/log-in-services.ts'
import type { Pieces } from '../responses/octets.ts'
import type { StatusResponse } from '../responses/status-response.ts'
import type { AppendFlow } from './commands/append.ts'
import type { SelectedMailbox, SessionMailboxes } from './mailbox-services.ts'

export type SessionState =
  | { readonly phase: 'not-authenticated' }
  | { readonly phase: 'authenticated'; readonly mailboxes: SessionMailboxes }
  | {
      readonly phase: 'selected'
      readonly mailboxes: SessionMailboxes
      readonly mailbox: SelectedMailbox
      readonly name: string
    }
  | { readonly phase: 'logout' }

export type SessionPhase = SessionState['phase']

/** Its mailbox, if there is one, is not selected any more. */
export function leaveMailbox(state: SessionState): SessionState {
  if (state.phase !== 'selected') return state
  state.mailbox.release()
  return { phase: 'authenticated', mailboxes: state.mailboxes }
}

/** A command that has begun, and whose next line is not a command. */
export type OpenCommand =
  | {
      readonly kind: 'authenticating'
      readonly tag: string
      readonly mechanism: string
      readonly next: (answer: Buffer) => MaybePromise<DialogueStep<AuthenticatedAccount>>
    }
  | { readonly kind: 'idling'; readonly tag: string }
  | { readonly kind: 'appending'; readonly flow: AppendFlow }

/** What the connection does besides. */
export type Effect = 'start-tls' | 'compress' | 'close'

/** A step of the session: what to say, in which state it is then, what the connection does besides. */
export interface Step {
  /** Whole lines, before the answer. */
  readonly untagged?: string | undefined
  /** Of the command that it ends; '*' for a BYE that ends all. */
  readonly answer?: { readonly tag: string; readonly response: StatusResponse } | undefined
  /** The client goes on (RFC 9051 §7.6): the text behind '+'. */
  readonly continuation?: string | undefined
  readonly next: SessionState
  /** undefined: a command comes next. */
  readonly open?: OpenCommand | undefined
  readonly effect?: Effect | undefined
  /** BYE behind the answer, with 'close'. */
  readonly farewell?: StatusResponse | undefined
}

/**
 * An answer that is made while the client reads it; the step stands at its end. The client may go away in the middle: then
 * `return` is called.
 */
export type Telling = AsyncGenerator<Pieces, Step, undefined>
