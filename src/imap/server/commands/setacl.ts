// SETACL (RFC 4314 §3.1).
import { answerOutcome } from '../answer-outcome.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { serviceOf, unlessThereIs } from '../optional-services.ts'

export const setAcl: Command<'SETACL'> = {
  ...usual,
  verb: 'SETACL',
  phases: afterLogin,
  denied: unlessThereIs('acl'),
  run: (session, { verb, ...change }, tag) =>
    answerOutcome(session, tag, verb, serviceOf(session, 'acl').change(change)),
}
