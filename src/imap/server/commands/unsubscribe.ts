// UNSUBSCRIBE (RFC 9051 §6.3.8).
import { answerOutcome } from '../answer-outcome.ts'
import { afterLogin, type Command, usual } from '../command.ts'

export const unsubscribe: Command<'UNSUBSCRIBE'> = {
  ...usual,
  verb: 'UNSUBSCRIBE',
  phases: afterLogin,
  run: (session, { verb, mailbox }, tag) =>
    answerOutcome(session, tag, verb, session.mailboxes.setSubscribed(mailbox, 'unsubscribed')),
}
