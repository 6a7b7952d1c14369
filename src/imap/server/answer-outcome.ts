// How a command ends that has nothing to tell but that it is done, or why not.
import { answers } from '../responses/answers.ts'
import type { OrRefusal } from './mailbox-services.ts'
import type { Session } from './session.ts'
import type { Step } from './session-state.ts'

export async function answerOutcome(
  session: Session,
  tag: string,
  verb: string,
  outcome: OrRefusal<undefined>,
): Promise<Step> {
  const refusal = await outcome
  return refusal ? session.decline(tag, refusal) : session.answer(tag, answers.completed(verb))
}
