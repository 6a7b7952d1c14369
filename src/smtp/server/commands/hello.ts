// EHLO and HELO (RFC 5321 §4.1.1.1), and the LHLO of LMTP (RFC 2033 §4.1): who the client is; all but HELO also ask what the
// server can.

import { replies } from '../../replies.ts'
import type { Reply } from '../../reply.ts'
import { always, type Command } from '../command.ts'
import { assertRefusal } from '../mail-flow.ts'
import type { MaybePromise } from '../services.ts'
import type { Session } from '../session.ts'
import { ready, type Step } from '../session-state.ts'
import { offersUrls } from './burl.ts'

export const ehlo: Command = {
  verb: 'EHLO',
  syntax: 'EHLO <your host name>',
  explanation: [
    'Starts the session; the answer lists the extensions.',
    'Your name is a domain, or an address in brackets: [192.0.2.1].',
  ],
  phases: always,
  endsGroup: true,
  run: (session, argument) => hello(session, 'EHLO', argument),
}

export const lhlo: Command = {
  ...ehlo,
  verb: 'LHLO',
  syntax: 'LHLO <your host name>',
  run: (session, argument) => hello(session, 'LHLO', argument),
}

export const helo: Command = {
  verb: 'HELO',
  syntax: 'HELO <your host name>',
  explanation: ['Starts the session as in 1982, without extensions. Better: EHLO.'],
  phases: always,
  endsGroup: true,
  run: (session, argument) => hello(session, 'HELO', argument),
}

const maxNameLength = 255
// Many real clients name themselves in ways that are no domain ("localhost", "MY_PC"); RFC 5321 §4.1.4 forbids to refuse
// mail for that. Only what cannot be a name at all is an error.
const name = /^[!-~]+$/

function hello(session: Session, verb: 'EHLO' | 'LHLO' | 'HELO', argument: string): MaybePromise<Step> {
  const extended = verb !== 'HELO'
  if (argument === '') return session.stay(replies.syntax('usage', `${verb} and the name of your host`))
  if (argument.length > maxNameLength || !name.test(argument)) {
    return session.stay(replies.syntax('noHostName'))
  }
  const before = session.client
  session.client = { ...before, heloName: argument, extended }
  const refusal = session.context.services.hello?.(session.client)
  const decide = (reply: Reply | undefined): Step => {
    if (reply) {
      session.client = before
      return session.refuse({ command: verb, reply: assertRefusal(reply) })
    }
    // EHLO in the middle of a transaction is a RSET as well (RFC 5321 §4.1.4).
    session.dropTransaction()
    return {
      reply: replies.hello(extended ? extensionLines(session) : [session.context.hostname]),
      next: ready,
    }
  }
  return refusal instanceof Promise ? refusal.then(decide) : decide(refusal)
}

function mayFetch(session: Session): boolean {
  return session.client.account !== undefined || session.mayAuthenticate
}

function extensionLines(session: Session): string[] {
  const { hostname, limits, services } = session.context
  const { commands } = session.dialect
  const lines = [hostname, 'PIPELINING', `SIZE ${limits.maxMessageBytes}`]
  if (session.mayStartTls) lines.push('STARTTLS')
  if (session.mayAuthenticate && !session.client.account)
    lines.push(`AUTH ${session.authMechanisms.map(({ name }) => name).join(' ')}`)
  lines.push('8BITMIME', 'SMTPUTF8', 'CHUNKING', 'BINARYMIME', 'ENHANCEDSTATUSCODES', 'DSN')
  const { maxPriority, deliverBy, maxHoldSeconds } = session.transferExtensions
  if (maxPriority !== undefined) lines.push('MT-PRIORITY')
  if (deliverBy) lines.push('DELIVERBY')
  // RFC 4865: how long, and until when.
  if (maxHoldSeconds > 0) lines.push(`FUTURERELEASE ${maxHoldSeconds} ${latestRelease(session)}`)
  if (session.offersRequireTls) lines.push('REQUIRETLS')
  // RFC 9422 §4
  lines.push(`LIMITS MAILMAX=${limits.maxTransactionsPerSession} RCPTMAX=${limits.maxRecipients}`)
  // RFC 5321 §3.5.2: EXPN where it is answered. SEND, SOML and SAML are keywords of the first registry (RFC 1869 §5).
  if (services.startQueue && commands.has('ETRN')) lines.push('ETRN')
  // RFC 2645 §5.1.1; TURN is of no use before AUTH, and nobody would look for it.
  if (services.turnAround && mayFetch(session))
    lines.push(...(session.client.account ? ['ATRN', 'TURN'] : ['ATRN']))
  if (offersUrls(session)) lines.push('BURL imap')
  if (session.isTrusted) lines.push('SEND', 'SOML', 'SAML')
  if (session.mayVerify) lines.push('VRFY', 'EXPN')
  lines.push('HELP')
  return lines
}

/** RFC 3339, without fractions of a second. */
function latestRelease({ context: { now }, transferExtensions: { maxHoldSeconds } }: Session): string {
  return new Date(now() + maxHoldSeconds * 1000).toISOString().replace(/\.[0-9]+Z$/, 'Z')
}
