// TURN (RFC 821 §3.8), ETRN (RFC 1985), ATRN (RFC 2645): known, not offered yet.
import { replies } from '../../replies.ts'
import { always, type Command } from '../command.ts'

export const turn = notOfferedYet(
  'TURN',
  'TURN',
  'Would swap the roles of client and server. Not offered: anybody could fetch the mail of others with it.',
)
export const etrn = notOfferedYet(
  'ETRN',
  'ETRN <domain>',
  'Would send the queued mail of a domain to its server. Not offered yet.',
)
export const atrn = notOfferedYet(
  'ATRN',
  'ATRN <domain>',
  'Would hand over the queued mail of a domain on this connection. Not offered yet.',
)

function notOfferedYet(verb: string, syntax: string, explanation: string): Command {
  return {
    verb,
    syntax,
    explanation: [explanation],
    phases: always,
    endsGroup: true,
    denied: () => replies.notOffered(verb),
    run: session => session.stay(replies.notOffered(verb)),
  }
}
