// URLFETCH (RFC 4467 §7, RFC 5524 §3): what URLs name, told while the client reads it.
import type { CommandOf } from '../../grammar/command.ts'
import { formatFetchedUrl, formatUrlData } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import type { Session } from '../session.ts'
import type { Telling } from '../session-state.ts'

export const urlFetch: Command<'URLFETCH'> = { ...usual, verb: 'URLFETCH', phases: afterLogin, run: tell }

async function* tell(session: Session, { urls }: CommandOf<'URLFETCH'>, tag: string): Telling {
  for (const { url, wants } of urls) {
    const data = await session.mailboxes.fetchUrl(url, wants ?? { content: 'BODY', structure: false })
    if (data && wants) yield* formatUrlData(url, data, session.responseTerms)
    else yield* formatFetchedUrl(url, data?.content?.octets ?? undefined)
  }
  return session.answer(tag, answers.completed('URLFETCH'))
}
