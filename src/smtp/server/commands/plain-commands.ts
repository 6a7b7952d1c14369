// RSET, NOOP, QUIT (RFC 5321 §4.1.1.5, §4.1.1.9, §4.1.1.10).

import { replies } from '../../replies.ts'
import { always, type Command } from '../command.ts'
import { ready } from '../session-state.ts'

export const rset: Command = {
  verb: 'RSET',
  syntax: 'RSET',
  explanation: ['Gives up the message that is under way; the session goes on.'],
  phases: always,
  endsGroup: false,
  run(session, argument) {
    if (argument !== '') return session.stay(replies.syntax('standsAlone', 'RSET'))
    session.dropTransaction()
    return { reply: replies.ok, next: session.state.phase === 'greeted' ? session.state : ready }
  },
}

export const noop: Command = {
  verb: 'NOOP',
  syntax: 'NOOP [anything]',
  explanation: ['Does nothing; shows that the server is there.'],
  phases: always,
  endsGroup: true,
  run: session => session.stay(replies.ok),
}

export const quit: Command = {
  verb: 'QUIT',
  syntax: 'QUIT',
  explanation: ['Ends the session.'],
  phases: always,
  endsGroup: true,
  run(session, argument) {
    if (argument !== '') return session.stay(replies.syntax('standsAlone', 'QUIT'))
    return { reply: replies.bye, next: session.state, effect: { kind: 'leave' } }
  },
}
