// QUIT (RFC 1939 §4, §6): by it everything is changed that was marked, and by nothing else.
import { answers } from '../../responses/answers.ts'
import type { Response } from '../../responses/response.ts'
import { always, type Command } from '../command.ts'
import type { MessageMarks } from '../message-marks.ts'
import type { Session } from '../session.ts'

export const quit: Command<'QUIT'> = {
  verb: 'QUIT',
  phases: always,
  async run(session) {
    const response = session.state.phase === 'transaction' ? await update(session) : answers.bye
    return { response, next: session.state, effect: 'close' }
  },
}

async function update(session: Session): Promise<Response> {
  const { maildrop, deleted, retrieved } = session.beginUpdate()
  try {
    if ((await maildrop.update({ deleted, retrieved: without(deleted, retrieved) })) === 'lock-lost')
      return answers.lockLost
    return deleted.size > 0 ? answers.byeUpdated(deleted.size) : answers.bye
  } catch (cause) {
    session.context.fault(cause, session.client)
    return answers.notUpdated
  }
}

function* without(left: MessageMarks, messages: MessageMarks): Generator<number> {
  for (const message of messages) if (!left.has(message)) yield message
}
