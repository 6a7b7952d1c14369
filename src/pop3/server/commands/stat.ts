// STAT (RFC 1939 §5): how many messages there are, and octets in them, without those that are deleted.
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command } from '../command.ts'

export const stat: Command<'STAT'> = {
  verb: 'STAT',
  phases: afterLogin,
  run(session) {
    const { maildrop, deleted, deletedOctets } = session.transaction
    return session.answer(answers.stat(maildrop.count - deleted.size, maildrop.octets - deletedOctets))
  },
}
