// The states of a session (RFC 5321 §4.1.4): a transaction exists only in the phases that have one.

import type { ReversePath } from '../../address/address.ts'
import type { DialogueStep } from '../../sasl/dialogue.ts'
import type { Disposition } from '../parameters.ts'
import type { Reply } from '../reply.ts'
import type { MailFlow } from './mail-flow.ts'
import type {
  AuthenticatedAccount,
  MaybePromise,
  Recipient,
  ReversePathParameters,
  Turn,
} from './services.ts'

/** A mail transaction that grows with each RCPT; services see it as the read-only MailTransaction. */
export interface OpenTransaction {
  readonly reversePath: ReversePath
  readonly parameters: ReversePathParameters
  readonly disposition: Disposition
  readonly recipients: Recipient[]
  /** RCPT commands that were refused. */
  refusedRecipients: number
}

export type AuthStep = DialogueStep<AuthenticatedAccount>

export type SessionState =
  /** Before EHLO, and again after STARTTLS. */
  | { readonly phase: 'greeted' }
  /** `owedAtEnd`: of a message that was given up between its chunks, to so many recipients its end is yet to be answered. */
  | { readonly phase: 'ready'; readonly owedAtEnd?: number }
  | {
      readonly phase: 'authenticating'
      readonly mechanism: string
      readonly next: (answer: Buffer) => MaybePromise<AuthStep>
    }
  | { readonly phase: 'transaction'; readonly transaction: OpenTransaction }
  /** Between BDAT commands, the first of which has come. */
  | { readonly phase: 'chunks'; readonly transaction: OpenTransaction; readonly flow: MailFlow }
  | { readonly phase: 'data'; readonly transaction: OpenTransaction; readonly flow: MailFlow }

export const greeted: SessionState = { phase: 'greeted' }
export const ready: SessionState = { phase: 'ready' }

export type SessionPhase = SessionState['phase']

/** The octets behind one BDAT line (RFC 3030 §2). */
export interface Chunk {
  readonly size: number
  readonly last: boolean
  readonly into:
    | { readonly kind: 'flow'; readonly flow: MailFlow }
    /** `times`: the reply is given so often; 0: there is nobody to be answered (RFC 2033 §4.3). */
    | { readonly kind: 'refused'; readonly reply: Reply; readonly times: number }
}

/** What the connection is to do with its bytes next. */
export type Effect =
  | { readonly kind: 'close' }
  /** Close, at the client's wish: it will send nothing more. */
  | { readonly kind: 'leave' }
  | { readonly kind: 'start-tls' }
  /** This end becomes the client (RFC 2645, RFC 821). */
  | { readonly kind: 'turn-around'; readonly turn: Turn }
  /** Read DATA into the flow, then call `endOfData`. */
  | { readonly kind: 'read-data'; readonly flow: MailFlow }
  /** Read the chunk's octets into its flow, or away when it is refused; then call `endOfChunk`. */
  | { readonly kind: 'read-chunk'; readonly chunk: Chunk }

/** A step of the session: what to answer, in which state it is then, what the connection does besides. */
export interface Step {
  readonly reply: Reply | undefined
  /** What follows `reply`: in LMTP the replies of the other recipients. */
  readonly further?: readonly Reply[]
  readonly next: SessionState
  readonly effect?: Effect
}
