// GETMETADATA (RFC 5464 §4.2), told while the client reads it.
import type { CommandOf } from '../../grammar/command.ts'
import { formatMetadata } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'
import { serviceOf, unlessThereIs } from '../optional-services.ts'
import type { Session } from '../session.ts'
import type { Telling } from '../session-state.ts'

export const getMetadata: Command<'GETMETADATA'> = {
  ...usual,
  verb: 'GETMETADATA',
  phases: afterLogin,
  denied: unlessThereIs('metadata'),
  run: tell,
}

async function* tell(session: Session, { verb, ...request }: CommandOf<'GETMETADATA'>, tag: string): Telling {
  const found = await serviceOf(session, 'metadata').get(request)
  if (isRefusal(found)) return session.decline(tag, found)
  for await (const batch of found.entries())
    if (batch.size > 0) yield* formatMetadata(request.mailbox, batch, session.responseTerms)
  // §4.2.1
  const code = found.longest === undefined ? undefined : codes.metadataLongEntries(found.longest)
  return session.answer(tag, answers.completed(verb, code))
}
