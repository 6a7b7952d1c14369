// LIST and UIDL (RFC 1939 §5, §7): of one message, or of all that are not deleted, told while the client reads it.
import type { MaybePromise } from '../../../runtime/maybe-promise.ts'
import { answers } from '../../responses/answers.ts'
import { endOfLines } from '../../responses/lines.ts'
import { afterLogin, type Command } from '../command.ts'
import type { Session } from '../session.ts'
import type { Step, Telling } from '../session-state.ts'

export const list: Command<'LIST'> = {
  verb: 'LIST',
  phases: afterLogin,
  run(session, { message }) {
    const { maildrop } = session.transaction
    if (message !== undefined) return tellOne(session, message, () => maildrop.sizeOf(message))
    return tellAll(
      session,
      () => maildrop.sizes(),
      entry => [entry.message, entry.size],
    )
  },
}

export const uidl: Command<'UIDL'> = {
  verb: 'UIDL',
  phases: afterLogin,
  run(session, { message }) {
    const { maildrop } = session.transaction
    if (message !== undefined) return tellOne(session, message, () => maildrop.uniqueIdOf(message))
    return tellAll(
      session,
      () => maildrop.uniqueIds(),
      entry => [entry.message, entry.uniqueId],
    )
  },
}

async function tellOne(
  session: Session,
  message: number,
  ask: () => MaybePromise<number | string | undefined>,
): Promise<Step> {
  const refusal = session.refuseNumber(message)
  if (refusal) return session.answer(refusal)
  const fact = await ask()
  return session.answer(fact === undefined ? answers.hasLeft : answers.facts(message, fact))
}

async function* tellAll<Entry>(
  session: Session,
  ask: () => AsyncIterable<readonly Entry[]>,
  read: (entry: Entry) => readonly [message: number, fact: number | string],
): Telling {
  const { maildrop, deleted } = session.transaction
  yield session.say(answers.listing(maildrop.count - deleted.size))
  for await (const batch of ask()) {
    let text = ''
    for (const entry of batch) {
      const [message, fact] = read(entry)
      if (!deleted.has(message)) text += `${message} ${fact}\r\n`
    }
    yield text
  }
  yield endOfLines
  return { next: session.state }
}
