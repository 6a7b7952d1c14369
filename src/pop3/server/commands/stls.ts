// STLS (RFC 2595 §4): after it the bytes mean something else.
import { answers } from '../../responses/answers.ts'
import { beforeLogin, type Command } from '../command.ts'

export const stls: Command<'STLS'> = {
  verb: 'STLS',
  phases: beforeLogin,
  denied(session) {
    if (session.client.tls) return answers.hasTls
    if (!session.context.hasTls) return answers.noTls
    // RFC 6856 §2.1
    return session.form === 'utf-8' ? answers.stlsAfterUtf8 : undefined
  },
  run: session => ({ ...session.answer(answers.beginTls), effect: 'start-tls' }),
}
