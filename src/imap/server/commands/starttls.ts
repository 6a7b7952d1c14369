// STARTTLS (RFC 9051 §6.2.1).
import { answers } from '../../responses/answers.ts'
import { beforeLogin, type Command, usual } from '../command.ts'

export const starttls: Command<'STARTTLS'> = {
  ...usual,
  verb: 'STARTTLS',
  phases: beforeLogin,
  denied(session) {
    if (session.client.tls) return answers.hasTls
    return session.context.hasTls ? undefined : answers.noTls
  },
  run: (session, _command, tag) => ({ ...session.answer(tag, answers.beginTls), effect: 'start-tls' }),
}
