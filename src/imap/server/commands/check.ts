// CHECK (RFC 3501 §6.4.1): everything is durable anyway.
import { answers } from '../../responses/answers.ts'
import { type Command, usual, withMailbox } from '../command.ts'

export const check: Command<'CHECK'> = {
  ...usual,
  verb: 'CHECK',
  phases: withMailbox,
  run: (session, _command, tag) => session.answer(tag, answers.completed('CHECK')),
}
