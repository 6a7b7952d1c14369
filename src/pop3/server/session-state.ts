// The states of a session (RFC 1939 §3): there is a maildrop only where somebody has logged in.
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import type { DialogueStep } from '../../sasl/dialogue.ts'
import type { AuthenticatedAccount } from '../../sasl/log-in-services.ts'
import type { Response } from '../responses/response.ts'
import type { Maildrop } from './maildrop-services.ts'
import type { MessageMarks } from './message-marks.ts'

export interface Transaction {
  readonly phase: 'transaction'
  readonly maildrop: Maildrop
  readonly deleted: MessageMarks
  /** Of the messages that are deleted. */
  readonly deletedOctets: number
  readonly retrieved: MessageMarks
}

export type SessionState =
  /** `name`: USER has been said, and PASS comes next. */
  | { readonly phase: 'authorization'; readonly name?: string | undefined }
  | Transaction
  /** The session is over, or about to be. */
  | { readonly phase: 'update' }

export type SessionPhase = SessionState['phase']

/** AUTH has begun, and the next line is no command. */
export interface OpenExchange {
  readonly mechanism: string
  readonly next: (answer: Buffer) => MaybePromise<DialogueStep<AuthenticatedAccount>>
}

/** What the connection does besides. 'cut': what has been said cannot be ended, so nothing more is. */
export type Effect = 'start-tls' | 'close' | 'cut'

/** A step of the session: what to say, in which state it is then, what the connection does besides. */
export interface Step {
  readonly response?: Response | undefined
  /** Lines behind the response, with the one that ends them. */
  readonly lines?: string | undefined
  /** The client goes on (RFC 5034 §4): the text behind '+'. */
  readonly continuation?: string | undefined
  readonly next: SessionState
  readonly open?: OpenExchange | undefined
  readonly effect?: Effect | undefined
  /** Behind the response, with 'close'. */
  readonly farewell?: Response | undefined
}

/**
 * An answer that is made while the client reads it, its first line as well; the step stands at its end. The client may go away in
 * the middle: then `return` is called.
 */
export type Telling = AsyncGenerator<string | Uint8Array, Step, undefined>
