// NOOP (RFC 1939 §5).
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command } from '../command.ts'

export const noop: Command<'NOOP'> = {
  verb: 'NOOP',
  phases: afterLogin,
  run: session => session.answer(answers.done),
}
