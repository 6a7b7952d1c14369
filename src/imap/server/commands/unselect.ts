// UNSELECT (RFC 9051 §6.4.2).
import { answers } from '../../responses/answers.ts'
import { type Command, usual, withMailbox } from '../command.ts'
import { leaveMailbox } from '../session-state.ts'

export const unselect: Command<'UNSELECT'> = {
  ...usual,
  verb: 'UNSELECT',
  phases: withMailbox,
  run: (session, _command, tag) => ({
    ...session.answer(tag, answers.completed('UNSELECT')),
    next: leaveMailbox(session.state),
  }),
}
