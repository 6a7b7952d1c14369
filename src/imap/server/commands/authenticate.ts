// AUTHENTICATE (RFC 9051 §6.2.2, RFC 4959).
import type { MaybePromise } from '../../../runtime/maybe-promise.ts'
import { type DialogueStep, startDialogue } from '../../../sasl/dialogue.ts'
import { type AuthenticatedAccount, authorityFor } from '../../../sasl/log-in-services.ts'
import { whyNotOffered } from '../../../sasl/log-in-terms.ts'
import { decodeBase64, decodeInitialResponse } from '../../../sasl/mechanism.ts'
import { answers } from '../../responses/answers.ts'
import { beforeLogin, type Command, usual } from '../command.ts'
import { enterMailboxes, refuseLogin, whyNoLogin } from '../log-in.ts'
import type { Session } from '../session.ts'
import type { OpenCommand, Step } from '../session-state.ts'

type Authenticating = Extract<OpenCommand, { kind: 'authenticating' }>

const asterisk = 0x2a

export const authenticate: Command<'AUTHENTICATE'> = {
  ...usual,
  verb: 'AUTHENTICATE',
  phases: beforeLogin,
  denied: whyNoLogin,
  run(session, { mechanism: name, initialResponse }, tag) {
    const offered = session.authMechanisms
    const mechanism = offered.find(each => each.name === name)
    if (!mechanism) {
      const problem = whyNotOffered(name, session.client)
      if (problem) session.noteLoginRefused(name, problem, undefined)
      return session.answer(tag, answers.unknownMechanism(offered.map(each => each.name).join(' ')))
    }
    const initial = initialResponse === undefined ? undefined : decodeInitialResponse(initialResponse)
    if (initialResponse !== undefined && !initial) return session.answer(tag, answers.notBase64)
    const begin = startDialogue({
      mechanism,
      initial,
      connection: session.saslConnection,
      authority: authorityFor(session.client, session.context.services),
      noteRefused: (problem, loginName) => session.noteLoginRefused(name, problem, loginName),
    })
    return go(session, { tag, mechanism: name }, begin)
  },
}

/** The client's answer to a challenge. */
export function continueAuthentication(
  session: Session,
  open: Authenticating,
  line: Buffer,
): MaybePromise<Step> {
  // RFC 9051 §6.2.2: a lone asterisk gives up.
  if (line.length === 1 && line[0] === asterisk) return session.answer(open.tag, answers.cancelled)
  const answer = decodeBase64(line.toString('latin1'))
  return answer ? go(session, open, open.next(answer)) : session.answer(open.tag, answers.notBase64)
}

type Begun = Pick<Authenticating, 'tag' | 'mechanism'>

function go(
  session: Session,
  begun: Begun,
  step: MaybePromise<DialogueStep<AuthenticatedAccount>>,
): MaybePromise<Step> {
  if (!(step instanceof Promise)) return tell(session, begun, step)
  return step.then(
    outcome => tell(session, begun, outcome),
    (cause: unknown) => {
      session.context.fault(cause, session.client)
      return session.answer(begun.tag, answers.loginUnavailable)
    },
  )
}

function tell(
  session: Session,
  { tag, mechanism }: Begun,
  step: DialogueStep<AuthenticatedAccount>,
): MaybePromise<Step> {
  switch (step.kind) {
    case 'challenge':
      return {
        continuation: step.data.toString('base64'),
        next: session.state,
        open: { kind: 'authenticating', tag, mechanism, next: step.next },
      }
    case 'malformed':
      return session.answer(tag, answers.malformedResponse)
    case 'refused':
      return refuseLogin(session, tag, mechanism, step.problem)
    case 'proven':
      return enterMailboxes(session, tag, step.account)
    default:
      return step satisfies never
  }
}
