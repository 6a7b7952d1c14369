// RETR and TOP (RFC 1939 §5, §7): a message, or its beginning, as fast as the client reads it.
import { answers } from '../../responses/answers.ts'
import type { Response } from '../../responses/response.ts'
import { DotStuffer } from '../../responses/stuff-dots.ts'
import { TopReader } from '../../responses/top.ts'
import { afterLogin, type Command } from '../command.ts'
import type { Unreadable } from '../maildrop-services.ts'
import type { Session } from '../session.ts'
import type { Telling } from '../session-state.ts'

export const retr: Command<'RETR'> = {
  verb: 'RETR',
  phases: afterLogin,
  run: (session, { message }) => tell(session, message, undefined),
}

/** It says nothing of whether the message has been read. */
export const top: Command<'TOP'> = {
  verb: 'TOP',
  phases: afterLogin,
  run: (session, { message, lines }) => tell(session, message, new TopReader(lines)),
}

const refusals: Readonly<Record<Unreadable, Response>> = {
  'has-left': answers.hasLeft,
  'needs-utf8': answers.needsUtf8,
}

async function* tell(session: Session, message: number, top: TopReader | undefined): Telling {
  const refusal = session.refuseNumber(message)
  if (refusal) return session.answer(refusal)
  const { maildrop, retrieved } = session.transaction
  const content = await maildrop.open(message, session.form)
  if (typeof content === 'string') return session.answer(refusals[content])
  const pieces = content.octets[Symbol.asyncIterator]()
  try {
    yield session.say(top ? answers.top : answers.message(content.size))
    const stuffer = new DotStuffer()
    for (let isOver = false; !isOver; ) {
      const { done, value } = await pieces.next()
      if (done) break
      yield* stuffer.take(top ? top.take(value) : value)
      isOver = top?.isOver ?? false
    }
    yield stuffer.finish()
  } finally {
    await pieces.return?.()
  }
  if (!top) retrieved.add(message)
  return { next: session.state }
}
