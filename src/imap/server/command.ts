// One row of the command table.
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import type { CommandOf, CommandVerb } from '../grammar/command.ts'
import { answers } from '../responses/answers.ts'
import type { StatusResponse } from '../responses/status-response.ts'
import type { Session } from './session.ts'
import type { SessionPhase, Step, Telling } from './session-state.ts'

export interface CommandTerms {
  /** The states in which it is allowed (RFC 9051 §6). */
  readonly phases: readonly SessionPhase[]
  /** 'UID' may stand before it; what the grammar takes, the table says again. */
  readonly uidVariant: 'also' | 'none'
  /**
   * Whether messages that have gone may be told with its answer. RFC 9051 §7.5.1: not while the client names messages by numbers;
   * `by-uid`: with the UID variant only.
   */
  readonly tellsExpunges: 'yes' | 'no' | 'by-uid'
}

export interface Command<Verb extends CommandVerb = CommandVerb> extends CommandTerms {
  readonly verb: Verb
  /** Why this client cannot have it here and now, whatever the state. */
  readonly denied?: ((session: Session) => StatusResponse | undefined) | undefined
  run(session: Session, command: CommandOf<Verb>, tag: string): MaybePromise<Step> | Telling
}

/** APPEND and REPLACE have no value of their own: they are read in steps (`commands/append.ts`). */
export interface AppendCommand extends CommandTerms {
  readonly verb: 'APPEND' | 'REPLACE'
  readonly denied?: ((session: Session) => StatusResponse | undefined) | undefined
}

/** What is only looked at stays as it is (RFC 9051 §6.3.3). */
export function deniedWhereReadOnly(session: Session): StatusResponse | undefined {
  if (session.state.phase !== 'selected') return undefined
  return session.selected.facts.access === 'read-only' ? answers.readOnly : undefined
}

export const everywhere: readonly SessionPhase[] = ['not-authenticated', 'authenticated', 'selected']
export const beforeLogin: readonly SessionPhase[] = ['not-authenticated']
export const afterLogin: readonly SessionPhase[] = ['authenticated', 'selected']
export const withMailbox: readonly SessionPhase[] = ['selected']

/** What most commands are. */
export const usual: Omit<CommandTerms, 'phases'> = {
  uidVariant: 'none',
  tellsExpunges: 'yes',
}

/** FETCH, STORE, SEARCH and what is like it: no number of a message may change meanwhile (RFC 9051 §7.5.1). */
export const keepsNumbers: CommandTerms = {
  phases: withMailbox,
  uidVariant: 'also',
  tellsExpunges: 'by-uid',
}
