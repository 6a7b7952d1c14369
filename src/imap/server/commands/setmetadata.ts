// SETMETADATA (RFC 5464 §4.3).
import { answerOutcome } from '../answer-outcome.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { serviceOf, unlessThereIs } from '../optional-services.ts'

export const setMetadata: Command<'SETMETADATA'> = {
  ...usual,
  verb: 'SETMETADATA',
  phases: afterLogin,
  denied: unlessThereIs('metadata'),
  run: (session, { verb, ...request }, tag) =>
    answerOutcome(session, tag, verb, serviceOf(session, 'metadata').set(request)),
}
