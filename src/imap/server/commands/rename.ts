// RENAME (RFC 9051 §6.3.6).
import { answerOutcome } from '../answer-outcome.ts'
import { afterLogin, type Command, usual } from '../command.ts'

export const rename: Command<'RENAME'> = {
  ...usual,
  verb: 'RENAME',
  phases: afterLogin,
  run: (session, { verb, mailbox, newName }, tag) =>
    answerOutcome(session, tag, verb, session.mailboxes.rename(mailbox, newName)),
}
