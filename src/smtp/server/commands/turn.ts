// ETRN (RFC 1985), ATRN (RFC 2645), TURN (RFC 821 §3.8): the server of a domain asks for the mail that is kept for it.
import { parseDomain } from '../../../address/parse-domain.ts'
import { replies } from '../../replies.ts'
import type { Reply } from '../../reply.ts'
import type { Command } from '../command.ts'
import { assertRefusal } from '../mail-flow.ts'
import { isForUsers } from '../roles.ts'
import type { MaybePromise, QueueRequest, Turn, TurnRequest } from '../services.ts'
import type { Session } from '../session.ts'
import type { Step } from '../session-state.ts'

export const etrn: Command = {
  verb: 'ETRN',
  syntax: 'ETRN <domain>, ETRN @<domain> or ETRN #all',
  explanation: [
    'Asks that the mail which is kept here for a domain be sent to its mail hosts now, on connections of their own.',
    '@ takes the subdomains too; #all is every domain of your account.',
  ],
  phases: ['ready'],
  endsGroup: true,
  needsLogin: true,
  denied: session => (session.context.services.startQueue ? undefined : replies.notOffered('ETRN')),
  run(session, argument) {
    const request = parseQueueRequest(argument)
    if (!request) return session.stay(replies.syntax('usage', etrn.syntax))
    const answer = session.context.services.startQueue?.(session.client, request)
    return answer instanceof Promise
      ? answer.then(reply => answerStart(session, request, reply))
      : answerStart(session, request, answer ?? replies.notOffered('ETRN'))
  },
}

function answerStart(session: Session, request: QueueRequest, reply: Reply): Step {
  if (reply.code < 400) return session.stay(reply)
  const domains = request.kind === 'queue' ? [] : [request.domain]
  return session.refuse({ command: 'ETRN', domains, reply })
}

/** RFC 1985 §5.3 */
function parseQueueRequest(argument: string): QueueRequest | undefined {
  if (argument.startsWith('#')) {
    const name = argument.slice(1)
    return name === '' ? undefined : { kind: 'queue', name: name.toLowerCase() }
  }
  const withSubdomains = argument.startsWith('@')
  const domain = parseDomain(withSubdomains ? argument.slice(1) : argument)
  return domain === undefined ? undefined : { kind: withSubdomains ? 'with-subdomains' : 'domain', domain }
}

export const atrn: Command = {
  verb: 'ATRN',
  syntax: 'ATRN [domain,domain ...]',
  explanation: [
    'Swaps the roles: after 250 you greet as a server does, and the mail that is kept for your domains comes on this connection.',
    'Without domains it is all of your account. Log in first; then wait for the answer before you greet.',
  ],
  phases: ['ready'],
  endsGroup: true,
  denied: deniesTurn('ATRN'),
  run(session, argument) {
    const names = argument === '' ? [] : argument.split(',').map(name => parseDomain(name.trim()))
    if (names.length > maxDomains || names.includes(undefined))
      return session.stay(replies.syntax('usage', atrn.syntax))
    const domains = [...new Set(names.filter(name => name !== undefined))]
    return turnAround(session, 'ATRN', domains)
  },
}

const maxDomains = 100

export const turn: Command = {
  verb: 'TURN',
  syntax: 'TURN',
  explanation: [
    'Swaps the roles, as ATRN without domains does: the mail for all domains of your account comes on this connection.',
  ],
  phases: ['ready'],
  endsGroup: true,
  denied: deniesTurn('TURN'),
  run(session, argument) {
    if (argument !== '') return session.stay(replies.syntax('standsAlone', 'TURN'))
    return turnAround(session, 'TURN', [])
  },
}

/** Whose mail it is, only AUTH proves: neither an address of the client's nor a name that it gives itself. */
function deniesTurn(verb: 'ATRN' | 'TURN'): (session: Session) => Reply | undefined {
  return session => {
    const { client, context } = session
    if (!context.services.turnAround || !context.services.authenticate) return replies.notOffered(verb)
    if (client.account) return undefined
    return isForUsers(client.role)
      ? (session.loginDemand ?? replies.authRequired)
      : replies.fetchElsewhere(session.loginPlace)
  }
}

function turnAround(
  session: Session,
  verb: TurnRequest['verb'],
  domains: readonly string[],
): MaybePromise<Step> {
  const { client, context } = session
  const { account } = client
  if (!account) return session.refuse({ command: verb, reply: replies.authRequired })
  const answer = context.services.turnAround?.(client, { verb, account, domains })
  return answer instanceof Promise
    ? answer.then(given => answerTurn(session, verb, domains, given))
    : answerTurn(session, verb, domains, answer ?? replies.notOffered(verb))
}

function answerTurn(
  session: Session,
  verb: TurnRequest['verb'],
  domains: readonly string[],
  answer: Turn | Reply,
): Step {
  // RFC 2645 §5.2.1: 453 is no refusal, and whoever comes every few minutes hears it most of the time.
  if ('code' in answer && answer.code === replies.nothingToFetch.code) return session.stay(answer)
  if ('code' in answer) return session.refuse({ command: verb, domains, reply: assertRefusal(answer) })
  return { reply: undefined, next: session.state, effect: { kind: 'turn-around', turn: answer } }
}
