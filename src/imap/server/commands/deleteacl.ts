// DELETEACL (RFC 4314 §3.2).
import { answerOutcome } from '../answer-outcome.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { serviceOf, unlessThereIs } from '../optional-services.ts'

export const deleteAcl: Command<'DELETEACL'> = {
  ...usual,
  verb: 'DELETEACL',
  phases: afterLogin,
  denied: unlessThereIs('acl'),
  run: (session, { verb, mailbox, identifier }, tag) =>
    answerOutcome(session, tag, verb, serviceOf(session, 'acl').remove(mailbox, identifier)),
}
