// What is done to whole mailboxes: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, LIST, LSUB, STATUS (RFC 9051 §6.3.4 – §6.3.11).
import { formatMyRights } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import {
  formatListed,
  formatMailboxStatus,
  hierarchyDelimiter,
  type ListedMailbox,
} from '../../responses/mailbox-data.ts'
import { afterLogin, type Command, type CommandOf, usual } from '../command.ts'
import { isRefusal, type OrRefusal } from '../mailbox-services.ts'
import type { Session } from '../session.ts'
import type { Step, Telling } from '../session-state.ts'

export const create: Command<'CREATE'> = {
  ...usual,
  verb: 'CREATE',
  phases: afterLogin,
  async run(session, { mailbox, specialUse }, tag) {
    const created = await session.mailboxes.create({ mailbox, specialUse })
    if (isRefusal(created)) return session.decline(tag, created)
    // RFC 8474 §4.1
    return session.answer(tag, answers.completed('CREATE', codes.mailboxId(created.mailboxId)))
  },
}

export const remove: Command<'DELETE'> = {
  ...usual,
  verb: 'DELETE',
  phases: afterLogin,
  run: (session, { mailbox }, tag) => done(session, tag, 'DELETE', session.mailboxes.delete(mailbox)),
}

export const rename: Command<'RENAME'> = {
  ...usual,
  verb: 'RENAME',
  phases: afterLogin,
  run: (session, { mailbox, newName }, tag) =>
    done(session, tag, 'RENAME', session.mailboxes.rename(mailbox, newName)),
}

export const subscribe: Command<'SUBSCRIBE'> = {
  ...usual,
  verb: 'SUBSCRIBE',
  phases: afterLogin,
  run: (session, { mailbox }, tag) =>
    done(session, tag, 'SUBSCRIBE', session.mailboxes.setSubscribed(mailbox, 'subscribed')),
}

export const unsubscribe: Command<'UNSUBSCRIBE'> = {
  ...usual,
  verb: 'UNSUBSCRIBE',
  phases: afterLogin,
  run: (session, { mailbox }, tag) =>
    done(session, tag, 'UNSUBSCRIBE', session.mailboxes.setSubscribed(mailbox, 'unsubscribed')),
}

async function done(
  session: Session,
  tag: string,
  verb: string,
  outcome: OrRefusal<undefined>,
): Promise<Step> {
  const refusal = await outcome
  return refusal ? session.decline(tag, refusal) : session.answer(tag, answers.completed(verb))
}

export const status: Command<'STATUS'> = {
  ...usual,
  verb: 'STATUS',
  phases: afterLogin,
  async run(session, { mailbox, items }, tag) {
    const note = items.includes('HIGHESTMODSEQ') ? session.enableModSeq() : ''
    const values = await session.mailboxes.status(mailbox, items)
    if (isRefusal(values)) return session.decline(tag, values)
    return {
      ...session.answer(tag, answers.completed('STATUS')),
      untagged: note + formatMailboxStatus(mailbox, values, session.responseTerms),
    }
  },
}

function listing(verb: 'LIST' | 'LSUB'): Command<'LIST' | 'LSUB'> {
  return { ...usual, verb, phases: afterLogin, run: tell }
}

export const list = listing('LIST')
export const lsub = listing('LSUB')

async function* tell(session: Session, command: CommandOf<'LIST'>, tag: string): Telling {
  const { verb, ...query } = command
  const completed = session.answer(tag, answers.completed(verb))
  const [pattern, ...others] = query.patterns
  // RFC 9051 §6.3.9: no name at all asks for the delimiter and the root of the names.
  if (pattern === '' && others.length === 0 && query.selection.length === 0) {
    yield `* ${verb} (\\Noselect) "${hierarchyDelimiter}" ""\r\n`
    return completed
  }
  const { mailboxes, responseTerms: terms } = session
  for await (const batch of mailboxes.list(verb === 'LSUB' ? { ...query, selection: subscribed } : query)) {
    const lines = batch.map(({ mailbox, rights, status: values }) => {
      const line =
        verb === 'LSUB' ? formatListed(asSubscribed(mailbox), terms, verb) : formatListed(mailbox, terms)
      // RFC 8440 §3
      const withRights = rights === undefined ? line : line + formatMyRights(mailbox.name, rights, terms)
      return values ? withRights + formatMailboxStatus(mailbox.name, values, terms) : withRights
    })
    yield lines.join('')
  }
  return completed
}

/** RFC 5258 §4: what LSUB asks for. */
const subscribed = ['SUBSCRIBED', 'RECURSIVEMATCH'] as const

/** RFC 3501 §6.3.9: one that is told for the sake of what is below it is \Noselect. */
function asSubscribed({ name, attributes }: ListedMailbox): ListedMailbox {
  if (!attributes.includes('\\Subscribed')) return { name, attributes: ['\\Noselect'] }
  return { name, attributes: attributes.filter(one => one !== '\\Subscribed') }
}
