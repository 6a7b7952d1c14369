// STARTTLS (RFC 3207).
import { replies } from '../../replies.ts'
import type { Command } from '../command.ts'

export const starttls: Command = {
  verb: 'STARTTLS',
  syntax: 'STARTTLS',
  explanation: ['Encrypts the connection; say EHLO again afterwards.'],
  phases: ['greeted', 'ready'],
  endsGroup: true,
  denied(session) {
    if (session.client.tls) return replies.wrongOrder('TLS is on already')
    return session.context.hasTls ? undefined : replies.notOffered('STARTTLS')
  },
  run(session, argument) {
    if (argument !== '') return session.stay(replies.syntax('STARTTLS stands alone on its line'))
    return { reply: replies.readyForTls, next: session.state, effect: { kind: 'start-tls' } }
  },
}
