// The end of a log-in, whatever proved it (RFC 9051 §6.2.2, §6.2.3): the mailboxes are opened for this session, or why not.
import { isTemporary, type LoginProblem } from '../../sasl/authority.ts'
import type { AuthenticatedAccount } from '../../sasl/log-in-services.ts'
import { type Shown, shownWith } from '../../sasl/mechanisms.ts'
import { answers } from '../responses/answers.ts'
import type { StatusResponse } from '../responses/status-response.ts'
import type { Session } from './session.ts'
import type { Step } from './session-state.ts'

/** For `denied` of a command. */
export function whyNoLogin(session: Session): StatusResponse | undefined {
  if (!session.context.services.authenticate) return answers.unknownMechanism('')
  return session.mayAuthenticate ? undefined : answers.loginNeedsTls
}

const refusals: Readonly<Record<Shown, StatusResponse>> = {
  password: answers.wrongCredentials,
  tokens: answers.tokenRefused,
  certificate: answers.certificateRefused,
}

export function refuseLogin(session: Session, tag: string, mechanism: string, problem: LoginProblem): Step {
  return session.answer(tag, isTemporary(problem) ? answers.loginUnavailable : refusals[shownWith(mechanism)])
}

export async function enterMailboxes(
  session: Session,
  tag: string,
  account: AuthenticatedAccount,
): Promise<Step> {
  const client = { ...session.client, account }
  const mailboxes = await session.context.services.openMailboxes(client, account)
  const next = session.logIn(client, mailboxes)
  // RFC 9051 §6.2.2: the client need not ask what there is now.
  return { answer: { tag, response: answers.loggedIn(session.capabilities) }, next }
}
