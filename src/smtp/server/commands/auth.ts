// AUTH (RFC 4954).

import { isTemporary, type LoginProblem } from '../../../sasl/authority.ts'
import { startDialogue } from '../../../sasl/dialogue.ts'
import { authorityFor } from '../../../sasl/log-in-services.ts'
import { whyNotOffered } from '../../../sasl/log-in-terms.ts'
import { decodeBase64, decodeInitialResponse, type SaslMechanism } from '../../../sasl/mechanism.ts'
import { type Shown, shownWith } from '../../../sasl/mechanisms.ts'
import { replies } from '../../replies.ts'
import type { Reply } from '../../reply.ts'
import type { Command } from '../command.ts'
import { isForUsers } from '../roles.ts'
import type { MaybePromise } from '../services.ts'
import type { Session } from '../session.ts'
import { type AuthStep, ready, type SessionState, type Step } from '../session-state.ts'

/** RFC 4954 §4 */
export const maxAuthLineBytes = 12_288

type Authenticating = Extract<SessionState, { phase: 'authenticating' }>

export const auth: Command = {
  verb: 'AUTH',
  syntax: 'AUTH <mechanism> [initial response in base64]',
  explanation: session => ['Proves who you are, with the name of your account.', whereOffered(session)],
  phases: ['ready'],
  endsGroup: true,
  denied(session) {
    if (!session.context.services.authenticate) return replies.notOffered('AUTH')
    if (!isForUsers(session.client.role)) return replies.authElsewhere(session.loginPlace)
    return session.mayAuthenticate ? undefined : replies.authNeedsTls
  },
  run(session, argument) {
    if (!session.client.extended) return session.stay(replies.wrongOrder('helloFirst', session.dialect.hello))
    if (session.client.account) return session.stay(replies.wrongOrder('loggedIn'))
    const [name = '', initial, ...rest] = argument.split(/ +/)
    if (name === '' || rest.length > 0) return session.stay(replies.syntax('usage', auth.syntax))
    const offered = session.authMechanisms
    const mechanism = offered.find(each => each.name === name.toUpperCase())
    if (!mechanism) return notOffered(session, name.toUpperCase(), offered)
    const decoded = initial === undefined ? undefined : decodeInitialResponse(initial)
    if (initial !== undefined && !decoded) return session.stay(replies.authNotBase64)
    return take(session, mechanism.name, () =>
      startDialogue({
        mechanism,
        initial: decoded,
        connection: session.saslConnection,
        authority: authorityFor(session.client, session.context.services),
        noteRefused: (problem, name) => noteRefused(session, mechanism.name, problem, name),
      }),
    )
  },
}

function notOffered(session: Session, mechanism: string, offered: readonly SaslMechanism[]): Step {
  const reply = replies.authMechanismUnknown(offered.map(each => each.name).join(' '))
  const loginProblem = whyNotOffered(mechanism, session.client)
  return loginProblem
    ? session.refuse({ command: 'AUTH', mechanism, loginProblem, reply })
    : session.stay(reply)
}

function whereOffered(session: Session): string {
  if (!session.context.services.authenticate) return 'This server does not offer it.'
  if (!isForUsers(session.client.role)) return `Not offered on this port; log in on ${session.loginPlace}.`
  if (!session.mayAuthenticate) return 'Only over TLS: say STARTTLS first.'
  return `Offered on this connection: ${session.authMechanisms.map(({ name }) => name).join(', ')}.`
}

/** The client's answer to a challenge. */
export function continueAuthentication(
  session: Session,
  { mechanism, next }: Authenticating,
  line: Buffer,
): MaybePromise<Step> {
  if (line.length === 1 && line[0] === 0x2a) return { reply: replies.authCancelled, next: ready }
  const answer = decodeBase64(line.toString('latin1').trimEnd())
  if (!answer) return { reply: replies.authNotBase64, next: ready }
  return take(session, mechanism, () => next(answer))
}

function take(session: Session, mechanism: string, go: () => MaybePromise<AuthStep>): MaybePromise<Step> {
  const step = go()
  if (!(step instanceof Promise)) return answer(session, mechanism, step)
  return step.then(
    outcome => answer(session, mechanism, outcome),
    (cause: unknown) => {
      session.context.fault(cause, session.client)
      return { reply: replies.authUnavailable, next: ready }
    },
  )
}

function answer(session: Session, mechanism: string, step: AuthStep): Step {
  switch (step.kind) {
    case 'challenge':
      return {
        reply: replies.authChallenge(step.data.toString('base64')),
        next: { phase: 'authenticating', mechanism, next: step.next },
      }
    case 'malformed':
      return { reply: replies.authMalformed, next: ready }
    case 'refused':
      return { reply: refusalOf(mechanism, step.problem), next: ready }
    case 'proven':
      session.logIn(step.account, mechanism)
      return { reply: replies.authenticated, next: ready }
    default:
      return step satisfies never
  }
}

function noteRefused(
  session: Session,
  mechanism: string,
  problem: LoginProblem,
  name: string | undefined,
): void {
  const reply = refusalOf(mechanism, problem)
  session.noteRefusal({ command: 'AUTH', mechanism, loginName: name, loginProblem: problem, reply })
}

function refusalOf(mechanism: string, problem: LoginProblem): Reply {
  return isTemporary(problem) ? replies.authUnavailable : refusals[shownWith(mechanism)]
}

const refusals: Readonly<Record<Shown, Reply>> = {
  password: replies.authFailed,
  tokens: replies.tokenRefused,
  certificate: replies.certificateRefused,
}
