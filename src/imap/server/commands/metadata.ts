// GETMETADATA and SETMETADATA (RFC 5464 §4.2, §4.3): what is noted of mailboxes, and of the server.

import { Fault } from '../../../runtime/fault.ts'
import type { CommandOf } from '../../grammar/command.ts'
import { formatMetadata } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal, type Metadata } from '../mailbox-services.ts'
import type { Session } from '../session.ts'
import type { Telling } from '../session-state.ts'

const terms = {
  ...usual,
  phases: afterLogin,
  denied: (session: Session) => (session.mailboxes.metadata ? undefined : answers.notOffered),
} as const

/** `denied` lets nobody get here where there is none. */
function metadataOf(session: Session): Metadata {
  const { metadata } = session.mailboxes
  if (!metadata) throw new Fault('IMAP_STATE', 'There is no metadata.')
  return metadata
}

export const getMetadata: Command<'GETMETADATA'> = { ...terms, verb: 'GETMETADATA', run: tell }

async function* tell(session: Session, { verb, ...request }: CommandOf<'GETMETADATA'>, tag: string): Telling {
  const found = await metadataOf(session).get(request)
  if (isRefusal(found)) return session.decline(tag, found)
  for await (const batch of found.entries())
    if (batch.size > 0) yield* formatMetadata(request.mailbox, batch, session.responseTerms)
  // §4.2.1
  const code = found.longest === undefined ? undefined : codes.metadataLongEntries(found.longest)
  return session.answer(tag, answers.completed(verb, code))
}

export const setMetadata: Command<'SETMETADATA'> = {
  ...terms,
  verb: 'SETMETADATA',
  async run(session, { verb, ...request }, tag) {
    const refusal = await metadataOf(session).set(request)
    return refusal ? session.decline(tag, refusal) : session.answer(tag, answers.completed(verb))
  },
}
