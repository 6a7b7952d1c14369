// SUBSCRIBE (RFC 9051 §6.3.7).
import { answerOutcome } from '../answer-outcome.ts'
import { afterLogin, type Command, usual } from '../command.ts'

export const subscribe: Command<'SUBSCRIBE'> = {
  ...usual,
  verb: 'SUBSCRIBE',
  phases: afterLogin,
  run: (session, { verb, mailbox }, tag) =>
    answerOutcome(session, tag, verb, session.mailboxes.setSubscribed(mailbox, 'subscribed')),
}
