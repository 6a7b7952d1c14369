// SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314 §3): who may do what in a mailbox.
import { Fault } from '../../../runtime/fault.ts'
import { formatAcl, formatListRights, formatMyRights } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { type AccessLists, isRefusal } from '../mailbox-services.ts'
import type { Session } from '../session.ts'

const terms = {
  ...usual,
  phases: afterLogin,
  denied: (session: Session) => (session.mailboxes.acl ? undefined : answers.notOffered),
} as const

/** `denied` lets nobody get here where there are none. */
function listsOf(session: Session): AccessLists {
  const { acl } = session.mailboxes
  if (!acl) throw new Fault('IMAP_STATE', 'There are no lists of rights.')
  return acl
}

export const setAcl: Command<'SETACL'> = {
  ...terms,
  verb: 'SETACL',
  async run(session, { verb, ...change }, tag) {
    const refusal = await listsOf(session).change(change)
    return refusal ? session.decline(tag, refusal) : session.answer(tag, answers.completed(verb))
  },
}

export const deleteAcl: Command<'DELETEACL'> = {
  ...terms,
  verb: 'DELETEACL',
  async run(session, { mailbox, identifier }, tag) {
    const refusal = await listsOf(session).remove(mailbox, identifier)
    return refusal ? session.decline(tag, refusal) : session.answer(tag, answers.completed('DELETEACL'))
  },
}

export const getAcl: Command<'GETACL'> = {
  ...terms,
  verb: 'GETACL',
  async run(session, { mailbox }, tag) {
    const rights = await listsOf(session).list(mailbox)
    if (isRefusal(rights)) return session.decline(tag, rights)
    return {
      ...session.answer(tag, answers.completed('GETACL')),
      untagged: formatAcl(mailbox, rights, session.responseTerms),
    }
  },
}

export const listRights: Command<'LISTRIGHTS'> = {
  ...terms,
  verb: 'LISTRIGHTS',
  async run(session, { mailbox, identifier }, tag) {
    const grantable = await listsOf(session).grantable(mailbox, identifier)
    if (isRefusal(grantable)) return session.decline(tag, grantable)
    return {
      ...session.answer(tag, answers.completed('LISTRIGHTS')),
      // §3.4: the identifier in the client's own words.
      untagged: formatListRights(mailbox, { identifier, ...grantable }, session.responseTerms),
    }
  },
}

export const myRights: Command<'MYRIGHTS'> = {
  ...terms,
  verb: 'MYRIGHTS',
  async run(session, { mailbox }, tag) {
    const rights = await listsOf(session).mine(mailbox)
    if (typeof rights === 'object') return session.decline(tag, rights)
    return {
      ...session.answer(tag, answers.completed('MYRIGHTS')),
      untagged: formatMyRights(mailbox, rights, session.responseTerms),
    }
  },
}
