// CAPABILITY (RFC 9051 §6.1.1).
import { formatCapabilities } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { type Command, everywhere, usual } from '../command.ts'

export const capability: Command<'CAPABILITY'> = {
  ...usual,
  verb: 'CAPABILITY',
  phases: everywhere,
  run: (session, _command, tag) => ({
    ...session.answer(tag, answers.completed('CAPABILITY')),
    untagged: formatCapabilities(session.capabilities),
  }),
}
