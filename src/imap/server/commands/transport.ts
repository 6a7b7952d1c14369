// STARTTLS (RFC 9051 §6.2.1) and COMPRESS (RFC 4978): after them the bytes mean something else.
import { answers } from '../../responses/answers.ts'
import { afterLogin, beforeLogin, type Command, usual } from '../command.ts'

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

export const compress: Command<'COMPRESS'> = {
  ...usual,
  verb: 'COMPRESS',
  // RFC 4978 §3 allows it before log-in too; then a stranger could cost memory.
  phases: afterLogin,
  denied(session) {
    if (session.isCompressed) return answers.compressionActive
    return session.context.offersCompression ? undefined : answers.unknownCommand('COMPRESS')
  },
  run(session, { algorithm }, tag) {
    if (algorithm !== 'DEFLATE') return session.answer(tag, answers.unknownCompression)
    return { ...session.answer(tag, answers.compressionStarts), effect: 'compress' }
  },
}
