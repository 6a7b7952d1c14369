// EXPUNGE (RFC 9051 §6.4.3; of some UIDs only, RFC 4315 §2.1).
import { answerOutcome } from '../answer-outcome.ts'
import { type Command, deniedWhereReadOnly, usual, withMailbox } from '../command.ts'

export const expunge: Command<'EXPUNGE'> = {
  ...usual,
  verb: 'EXPUNGE',
  phases: withMailbox,
  uidVariant: 'also',
  denied: deniedWhereReadOnly,
  run: (session, { verb, set }, tag) => answerOutcome(session, tag, verb, session.selected.expunge(set)),
}
