// THREAD (RFC 5256 §3), told while the client reads it.
import type { CommandOf } from '../../grammar/command.ts'
import { answers } from '../../responses/answers.ts'
import { formatThreads } from '../../responses/thread.ts'
import { type Command, keepsNumbers } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'
import { namesUnknown } from '../search-keys.ts'
import type { Session } from '../session.ts'
import type { Telling } from '../session-state.ts'

export const thread: Command<'THREAD'> = { ...keepsNumbers, verb: 'THREAD', run: tell }

async function* tell(
  session: Session,
  { verb: _verb, ...request }: CommandOf<'THREAD'>,
  tag: string,
): Telling {
  if (namesUnknown(session, request.key)) return session.answer(tag, answers.uidRequired)
  const threads = await session.selected.thread(request)
  if (isRefusal(threads)) return session.decline(tag, threads)
  yield* formatThreads(threads)
  return session.answer(tag, answers.completed('THREAD'))
}
