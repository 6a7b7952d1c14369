// VRFY and EXPN (RFC 5321 §3.5, §4.1.1.6, §4.1.1.7).

import { isAscii } from '../../../runtime/text.ts'
import { replies } from '../../replies.ts'
import { always, type Command } from '../command.ts'
import type { AddressQuestion, MaybePromise } from '../services.ts'
import type { Session } from '../session.ts'
import type { Step } from '../session-state.ts'

export const vrfy: Command = {
  verb: 'VRFY',
  syntax: 'VRFY <name or address>',
  explanation: ['Says whether an address exists here; strangers get no answer (252).'],
  phases: always,
  endsGroup: true,
  run: (session, argument) => ask(session, 'VRFY', argument, 'verify'),
}

export const expn: Command = {
  verb: 'EXPN',
  syntax: 'EXPN <alias or group>',
  explanation: ['Lists who gets the mail of an alias or group; strangers get no answer (252).'],
  phases: always,
  endsGroup: true,
  run: (session, argument) => ask(session, 'EXPN', argument, 'expand'),
}

function ask(
  session: Session,
  verb: string,
  argument: string,
  service: 'verify' | 'expand',
): MaybePromise<Step> {
  const question = parseQuestion(argument)
  if (question.text === '') return session.stay(replies.syntax('usage', `${verb} and a name or address`))
  if (!question.smtpUtf8 && !isAscii(question.text)) return session.stay(replies.needsSmtpUtf8(verb))
  const { services } = session.context
  // RFC 5321 §7.3: 252 keeps address collectors from learning anything.
  if (!services[service] || !session.mayVerify) return session.stay(replies.willTry)
  const answer = services[service](session.client, question)
  return answer instanceof Promise ? answer.then(reply => session.stay(reply)) : session.stay(answer)
}

// RFC 6531 §3.7.4.2: VRFY and EXPN take the parameter too.
function parseQuestion(argument: string): AddressQuestion {
  const parameter = ' SMTPUTF8'
  return argument.slice(-parameter.length).toUpperCase() === parameter
    ? { text: argument.slice(0, -parameter.length).trimEnd(), smtpUtf8: true }
    : { text: argument, smtpUtf8: false }
}
