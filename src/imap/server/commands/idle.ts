// IDLE (RFC 9051 §6.3.13; RFC 5465 §4): the client waits for news, until it says DONE.
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import type { Session } from '../session.ts'
import type { OpenCommand, Step } from '../session-state.ts'

export const idle: Command<'IDLE'> = {
  ...usual,
  verb: 'IDLE',
  phases: afterLogin,
  async run(session, _command, tag) {
    return {
      // What has happened until now is told at once.
      untagged: await session.idleBegins(),
      continuation: 'idling',
      next: session.state,
      open: { kind: 'idling', tag },
    }
  },
}

export function endIdle(
  session: Session,
  { tag }: Extract<OpenCommand, { kind: 'idling' }>,
  line: Buffer,
): Step {
  const isDone = line.toString('latin1').toUpperCase() === 'DONE'
  return session.answer(tag, isDone ? answers.idleEnds : answers.expectedDone)
}
