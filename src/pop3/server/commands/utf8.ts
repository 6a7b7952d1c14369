// UTF8 (RFC 6856 §2.1): in which form messages are sent from now on.
import { answers } from '../../responses/answers.ts'
import { beforeLogin, type Command } from '../command.ts'

export const utf8: Command<'UTF8'> = {
  verb: 'UTF8',
  phases: beforeLogin,
  run(session) {
    session.form = 'utf-8'
    return session.answer(answers.utf8)
  },
}
