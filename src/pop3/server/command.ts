// One row of the command table.
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import type { CommandVerb, Pop3Command } from '../grammar/command.ts'
import type { Response } from '../responses/response.ts'
import type { Session } from './session.ts'
import type { SessionPhase, Step, Telling } from './session-state.ts'

type WithVerb<Command, Verb> = Command extends { readonly verb: infer Verbs }
  ? Verb extends Verbs
    ? Command
    : never
  : never

export type CommandOf<Verb extends CommandVerb> = WithVerb<Pop3Command, Verb>

export interface Command<Verb extends CommandVerb = CommandVerb> {
  readonly verb: Verb
  /** The states in which it is allowed (RFC 1939 §9). */
  readonly phases: readonly SessionPhase[]
  /** Why this client cannot have it here and now, whatever the state. */
  readonly denied?: ((session: Session) => Response | undefined) | undefined
  run(session: Session, command: CommandOf<Verb>): MaybePromise<Step> | Telling
}

export const always: readonly SessionPhase[] = ['authorization', 'transaction']
export const beforeLogin: readonly SessionPhase[] = ['authorization']
export const afterLogin: readonly SessionPhase[] = ['transaction']
