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
    if (session.client.tls) return replies.wrongOrder('hasTls')
    return session.mayStartTls ? undefined : replies.notOffered('STARTTLS')
  },
  run(session, argument) {
    if (argument !== '') return session.stay(replies.syntax('standsAlone', 'STARTTLS'))
    return { reply: replies.readyForTls, next: session.state, effect: { kind: 'start-tls' } }
  },
}
