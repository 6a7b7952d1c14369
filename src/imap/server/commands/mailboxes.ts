// What is done to whole mailboxes: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS (RFC 9051 §6.3.4 – §6.3.11).
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import { formatMailboxStatus } from '../../responses/mailbox-data.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal, type OrRefusal } from '../mailbox-services.ts'
import type { Session } from '../session.ts'
import type { Step } from '../session-state.ts'

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
