// LSUB (RFC 3501 §6.3.9): the names that are subscribed to.
import type { CommandOf } from '../../grammar/command.ts'
import { answers } from '../../responses/answers.ts'
import { formatListed, hierarchyRoot, type ListedMailbox } from '../../responses/mailbox-data.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import type { Session } from '../session.ts'
import type { Telling } from '../session-state.ts'

export const lsub: Command<'LSUB'> = { ...usual, verb: 'LSUB', phases: afterLogin, run: tell }

/** RFC 5258 §4: what it would ask for as a LIST. */
const selection = ['SUBSCRIBED', 'RECURSIVEMATCH'] as const

async function* tell(
  session: Session,
  { verb, reference, pattern }: CommandOf<'LSUB'>,
  tag: string,
): Telling {
  const { mailboxes, responseTerms: terms } = session
  const completed = session.answer(tag, answers.completed(verb))
  // As with LIST (RFC 9051 §6.3.9).
  if (pattern === '') {
    yield formatListed(hierarchyRoot, terms, verb)
    return completed
  }
  const query = { selection, reference, patterns: [pattern], returns: undefined }
  for await (const batch of mailboxes.list(query))
    yield batch.map(({ mailbox }) => formatListed(asSubscribed(mailbox), terms, verb)).join('')
  return completed
}

/** RFC 3501 §6.3.9: one that is told for the sake of what is below it is \Noselect. */
function asSubscribed({ name, attributes }: ListedMailbox): ListedMailbox {
  if (!attributes.includes('\\Subscribed')) return { name, attributes: ['\\Noselect'] }
  return { name, attributes: attributes.filter(one => one !== '\\Subscribed') }
}
