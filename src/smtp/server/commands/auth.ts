// AUTH (RFC 4954).

import { login } from '../../../sasl/login.ts'
import { decodeBase64, type SaslMechanism, type SaslStep } from '../../../sasl/mechanism.ts'
import { plain } from '../../../sasl/plain.ts'
import { replies } from '../../replies.ts'
import type { Command } from '../command.ts'
import type { AuthenticatedAccount, MaybePromise } from '../services.ts'
import type { Session } from '../session.ts'
import { ready, type Step } from '../session-state.ts'

const mechanisms: ReadonlyMap<string, SaslMechanism> = new Map(
  [plain, login].map(mechanism => [mechanism.name, mechanism]),
)

export const authMechanisms: readonly string[] = [...mechanisms.keys()]

/** RFC 4954 §4 */
export const maxAuthLineBytes = 12_288

export const auth: Command = {
  verb: 'AUTH',
  syntax: `AUTH ${authMechanisms.join('|')} [initial response in base64]`,
  explanation: session => [
    'Proves who you are, with the name and password of your account.',
    whereOffered(session),
  ],
  phases: ['ready'],
  endsGroup: true,
  denied(session) {
    if (!session.context.services.authenticate) return replies.notOffered('AUTH')
    if (session.client.role === 'relay') return replies.authElsewhere(session.loginPlace)
    return session.mayAuthenticate ? undefined : replies.authNeedsTls
  },
  run(session, argument) {
    if (!session.client.extended) return session.stay(replies.wrongOrder('helloFirst'))
    if (session.client.account) return session.stay(replies.wrongOrder('loggedIn'))
    const [name = '', initial, ...rest] = argument.split(/ +/)
    if (name === '' || rest.length > 0) return session.stay(replies.syntax('usage', auth.syntax))
    const mechanism = mechanisms.get(name.toUpperCase())
    if (!mechanism) return session.stay(replies.authMechanismUnknown(authMechanisms.join(' ')))
    // RFC 4954 §4: = is an initial response that is there and empty.
    const decoded =
      initial === undefined ? undefined : initial === '=' ? Buffer.alloc(0) : decodeBase64(initial)
    if (initial !== undefined && !decoded) return session.stay(replies.authNotBase64)
    return take(session, mechanism.start(decoded))
  },
}

function whereOffered(session: Session): string {
  if (!session.context.services.authenticate) return 'This server does not offer it.'
  if (session.client.role === 'relay') return `Not offered on this port; log in on ${session.loginPlace}.`
  return session.mayAuthenticate ? 'Offered on this connection.' : 'Only over TLS: say STARTTLS first.'
}

/** The client's answer to a challenge. */
export function continueAuthentication(
  session: Session,
  next: (answer: Buffer) => SaslStep,
  line: Buffer,
): MaybePromise<Step> {
  if (line.length === 1 && line[0] === 0x2a) return { reply: replies.authCancelled, next: ready }
  const answer = decodeBase64(line.toString('latin1').trimEnd())
  if (!answer) return { reply: replies.authNotBase64, next: ready }
  return take(session, next(answer))
}

function take(session: Session, step: SaslStep): MaybePromise<Step> {
  switch (step.kind) {
    case 'challenge':
      return {
        reply: replies.authChallenge(Buffer.from(step.data).toString('base64')),
        next: { phase: 'authenticating', next: step.next },
      }
    case 'malformed':
      return { reply: replies.authMalformed, next: ready }
    case 'denied':
      return refuse(session)
    case 'credentials':
      return authenticate(session, step.credentials.name, step.credentials.password)
    default:
      return step satisfies never
  }
}

async function authenticate(session: Session, name: string, password: string): Promise<Step> {
  const { services, fault } = session.context
  let account: AuthenticatedAccount | undefined
  try {
    account = await services.authenticate?.(session.client, name, password)
  } catch (cause) {
    fault(cause, session.client)
    return { reply: replies.authUnavailable, next: ready }
  }
  if (!account) return refuse(session, name)
  session.client = { ...session.client, account }
  return { reply: replies.authenticated, next: ready }
}

function refuse(session: Session, loginName?: string): Step {
  session.noteRefusal({ command: 'AUTH', loginName, reply: replies.authFailed })
  return { reply: replies.authFailed, next: ready }
}
