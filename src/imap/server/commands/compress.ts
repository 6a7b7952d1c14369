// COMPRESS (RFC 4978 §3).
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command, usual } from '../command.ts'

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
