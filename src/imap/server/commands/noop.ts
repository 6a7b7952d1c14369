// NOOP (RFC 9051 §6.1.2): what has happened meanwhile comes with its answer, as with every other.
import { answers } from '../../responses/answers.ts'
import { type Command, everywhere, usual } from '../command.ts'

export const noop: Command<'NOOP'> = {
  ...usual,
  verb: 'NOOP',
  phases: everywhere,
  run: (session, _command, tag) => session.answer(tag, answers.completed('NOOP')),
}
