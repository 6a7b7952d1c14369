// LOGIN (RFC 9051 §6.2.3).
import { isRefusal } from '../../../sasl/authority.ts'
import { authorityFor } from '../../../sasl/log-in-services.ts'
import { answers } from '../../responses/answers.ts'
import { beforeLogin, type Command, usual } from '../command.ts'
import { enterMailboxes, refuseLogin, whyNoLogin } from '../log-in.ts'

const mechanism = 'LOGIN command'

export const login: Command<'LOGIN'> = {
  ...usual,
  verb: 'LOGIN',
  phases: beforeLogin,
  denied: whyNoLogin,
  async run(session, { name, password }, tag) {
    const authority = authorityFor(session.client, session.context.services)
    try {
      const verdict = await authority.verifyPassword(name, password)
      if (!isRefusal(verdict)) return await enterMailboxes(session, tag, verdict)
      session.noteLoginRefused(mechanism, verdict.refused, name)
      return refuseLogin(session, tag, mechanism, verdict.refused)
    } catch (cause) {
      session.context.fault(cause, session.client)
      return session.answer(tag, answers.loginUnavailable)
    }
  },
}
