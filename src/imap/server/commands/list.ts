// LIST (RFC 9051 §6.3.9): names of mailboxes, and what the client wants to know of each, told while it reads them.
import type { CommandOf } from '../../grammar/command.ts'
import { formatMyRights } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { formatListed, formatMailboxStatus, hierarchyRoot } from '../../responses/mailbox-data.ts'
import type { ResponseTerms } from '../../responses/terms.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import type { ListedWithStatus } from '../mailbox-services.ts'
import type { Session } from '../session.ts'
import type { Telling } from '../session-state.ts'

export const list: Command<'LIST'> = { ...usual, verb: 'LIST', phases: afterLogin, run: tell }

async function* tell(session: Session, { verb, ...query }: CommandOf<'LIST'>, tag: string): Telling {
  const { mailboxes, responseTerms: terms } = session
  const completed = session.answer(tag, answers.completed(verb))
  const [pattern, ...others] = query.patterns
  // RFC 9051 §6.3.9: no name at all asks for the delimiter and the root of the names.
  if (pattern === '' && others.length === 0 && query.selection.length === 0) {
    yield formatListed(hierarchyRoot, terms)
    return completed
  }
  for await (const batch of mailboxes.list(query)) yield batch.map(listed => describe(listed, terms)).join('')
  return completed
}

function describe({ mailbox, rights, status }: ListedWithStatus, terms: ResponseTerms): string {
  return [
    formatListed(mailbox, terms),
    // RFC 8440 §3
    rights === undefined ? '' : formatMyRights(mailbox.name, rights, terms),
    status ? formatMailboxStatus(mailbox.name, status, terms) : '',
  ].join('')
}
