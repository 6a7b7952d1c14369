// AUTH (RFC 5034).
import type { MaybePromise } from '../../../runtime/maybe-promise.ts'
import { type DialogueStep, startDialogue } from '../../../sasl/dialogue.ts'
import { type AuthenticatedAccount, authorityFor } from '../../../sasl/log-in-services.ts'
import { whyNotOffered } from '../../../sasl/log-in-terms.ts'
import { decodeBase64, decodeInitialResponse } from '../../../sasl/mechanism.ts'
import { answers } from '../../responses/answers.ts'
import { formatLines } from '../../responses/lines.ts'
import { beforeLogin, type Command } from '../command.ts'
import { enterMaildrop, refuseLogin } from '../log-in.ts'
import type { Session } from '../session.ts'
import type { OpenExchange, Step } from '../session-state.ts'

const asterisk = 0x2a

export const auth: Command<'AUTH'> = {
  verb: 'AUTH',
  phases: beforeLogin,
  denied: session => session.whyNoLogin,
  run(session, { mechanism: name, initialResponse }) {
    const offered = session.authMechanisms
    const names = offered.map(each => each.name)
    // No RFC has this: what programs did before there was CAPA.
    if (name === undefined) return { ...session.answer(answers.mechanisms), lines: formatLines(names) }
    const mechanism = offered.find(each => each.name === name)
    if (!mechanism) {
      const problem = whyNotOffered(name, session.client)
      if (problem) session.noteLoginRefused(name, problem, undefined)
      return session.mistake(answers.unknownMechanism(names.join(' ')))
    }
    const initial = initialResponse === undefined ? undefined : decodeInitialResponse(initialResponse)
    if (initialResponse !== undefined && !initial) return session.mistake(answers.notBase64)
    return go(
      session,
      name,
      startDialogue({
        mechanism,
        initial,
        connection: session.saslConnection,
        authority: authorityFor(session.client, session.context.services),
        noteRefused: (problem, loginName) => session.noteLoginRefused(name, problem, loginName),
      }),
    )
  },
}

/** The client's answer to a challenge. */
export function continueAuthentication(
  session: Session,
  { mechanism, next }: OpenExchange,
  line: Buffer,
): MaybePromise<Step> {
  // RFC 5034 §4: a lone asterisk gives up.
  if (line.length === 1 && line[0] === asterisk) return session.mistake(answers.cancelled)
  const answer = decodeBase64(line.toString('latin1'))
  return answer ? go(session, mechanism, next(answer)) : session.mistake(answers.notBase64)
}

function go(
  session: Session,
  mechanism: string,
  step: MaybePromise<DialogueStep<AuthenticatedAccount>>,
): MaybePromise<Step> {
  if (!(step instanceof Promise)) return tell(session, mechanism, step)
  return step.then(
    outcome => tell(session, mechanism, outcome),
    (cause: unknown) => {
      session.context.fault(cause, session.client)
      return session.answer(answers.loginUnavailable)
    },
  )
}

function tell(
  session: Session,
  mechanism: string,
  step: DialogueStep<AuthenticatedAccount>,
): MaybePromise<Step> {
  switch (step.kind) {
    case 'challenge':
      return {
        continuation: step.data.toString('base64'),
        next: session.state,
        open: { mechanism, next: step.next },
      }
    case 'malformed':
      return session.mistake(answers.malformedResponse)
    case 'refused':
      return refuseLogin(session, mechanism, step.problem)
    case 'proven':
      return enterMaildrop(session, step.account)
    default:
      return step satisfies never
  }
}
