// USER and PASS (RFC 1939 §7). APOP is not there: it needs passwords that are kept in clear text.
import { isRefusal } from '../../../sasl/authority.ts'
import { authorityFor } from '../../../sasl/log-in-services.ts'
import { answers } from '../../responses/answers.ts'
import type { Response } from '../../responses/response.ts'
import { beforeLogin, type Command } from '../command.ts'
import { enterMaildrop, refuseLogin } from '../log-in.ts'
import type { Session } from '../session.ts'

const mechanism = 'USER and PASS'

function whyNoPassword(session: Session): Response | undefined {
  return session.whyNoLogin ?? (session.takesPasswords ? undefined : answers.noPasswords)
}

/** The same for every name: whether it is anybody's is nobody's business. */
export const user: Command<'USER'> = {
  verb: 'USER',
  phases: beforeLogin,
  denied: whyNoPassword,
  run: (_session, { name }) => ({ response: answers.goOn, next: { phase: 'authorization', name } }),
}

export const pass: Command<'PASS'> = {
  verb: 'PASS',
  phases: beforeLogin,
  denied: whyNoPassword,
  async run(session, { password }) {
    const { state } = session
    const name = state.phase === 'authorization' ? state.name : undefined
    // RFC 1939 §7: behind USER alone; another try begins with it.
    session.state = { phase: 'authorization' }
    if (name === undefined) return session.mistake(answers.userFirst)
    try {
      const verdict = await authorityFor(session.client, session.context.services).verifyPassword(
        name,
        password,
      )
      if (!isRefusal(verdict)) return await enterMaildrop(session, verdict)
      session.noteLoginRefused(mechanism, verdict.refused, name)
      return refuseLogin(session, mechanism, verdict.refused)
    } catch (cause) {
      session.context.fault(cause, session.client)
      return session.answer(answers.loginUnavailable)
    }
  },
}

export const apop: Command<'APOP'> = {
  verb: 'APOP',
  phases: beforeLogin,
  run: session => session.mistake(answers.noApop),
}
