// DELETE (RFC 9051 §6.3.5).
import { answerOutcome } from '../answer-outcome.ts'
import { afterLogin, type Command, usual } from '../command.ts'

export const deleteMailbox: Command<'DELETE'> = {
  ...usual,
  verb: 'DELETE',
  phases: afterLogin,
  run: (session, { verb, mailbox }, tag) =>
    answerOutcome(session, tag, verb, session.mailboxes.delete(mailbox)),
}
