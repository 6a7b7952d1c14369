// One row of the command table.
import type { Reply } from '../reply.ts'
import type { MaybePromise } from './services.ts'
import type { Session } from './session.ts'
import type { SessionPhase, Step } from './session-state.ts'

export interface Command {
  readonly verb: string
  /** 'MAIL FROM:<address> [parameters]' */
  readonly syntax: string
  /** Lines for HELP; what they say may hold for this session only. */
  readonly explanation: readonly string[] | ((session: Session) => readonly string[])
  /** The phases in which it is allowed (RFC 5321 §4.1.4). */
  readonly phases: readonly SessionPhase[]
  /** The client waits for its reply before it sends more (RFC 2920 §3.1); we serve those that don't. */
  readonly endsGroup: boolean
  /** On a submission port only for who has logged in (RFC 6409 §4.3, RFC 4954 §6). */
  readonly needsLogin?: true
  /** Why this client cannot have it here and now, whatever the phase. */
  readonly denied?: (session: Session) => Reply | undefined
  run(session: Session, argument: string): MaybePromise<Step>
}

/** Every phase in which commands are read. */
export const always: readonly SessionPhase[] = ['greeted', 'ready', 'transaction', 'chunks']
