// The end of a log-in, whatever proved it (RFC 1939 §4): the maildrop is opened for this session alone, or why not.
import { isTemporary, type LoginProblem } from '../../sasl/authority.ts'
import type { AuthenticatedAccount } from '../../sasl/log-in-services.ts'
import { type Shown, shownWith } from '../../sasl/mechanisms.ts'
import { answers } from '../responses/answers.ts'
import type { Response } from '../responses/response.ts'
import type { Maildrop } from './maildrop-services.ts'
import type { Session } from './session.ts'
import type { Step } from './session-state.ts'

const refusals: Readonly<Record<Shown, Response>> = {
  password: answers.wrongCredentials,
  tokens: answers.tokenRefused,
  certificate: answers.certificateRefused,
}

/** RFC 3206 §4: AUTH where the client showed the wrong thing, SYS/TEMP where nobody could say. */
export function refuseLogin(session: Session, mechanism: string, problem: LoginProblem): Step {
  return isTemporary(problem)
    ? session.answer(answers.loginUnavailable)
    : session.mistake(refusals[shownWith(mechanism)])
}

export async function enterMaildrop(session: Session, account: AuthenticatedAccount): Promise<Step> {
  const client = { ...session.client, account }
  let maildrop: Maildrop | 'in-use'
  try {
    maildrop = await session.context.services.openMaildrop(client, account)
  } catch (cause) {
    session.context.fault(cause, client)
    return session.answer(answers.maildropUnavailable)
  }
  if (maildrop === 'in-use') return session.answer(answers.inUse)
  const next = session.logIn(client, maildrop)
  return { response: answers.loggedIn(maildrop.count, maildrop.octets), next }
}
