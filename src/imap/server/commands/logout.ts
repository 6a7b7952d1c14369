// LOGOUT (RFC 9051 §6.1.3).
import { answers } from '../../responses/answers.ts'
import { formatStatusResponse } from '../../responses/status-response.ts'
import { type Command, everywhere, usual } from '../command.ts'

export const logout: Command<'LOGOUT'> = {
  ...usual,
  verb: 'LOGOUT',
  phases: everywhere,
  // With an effect, so nothing that has happened is told any more.
  run: (session, _command, tag) => ({
    ...session.answer(tag, answers.completed('LOGOUT')),
    untagged: formatStatusResponse('*', answers.loggingOut),
    effect: 'close',
  }),
}
