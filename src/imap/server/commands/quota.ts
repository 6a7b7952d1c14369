// What an account may have, and has: GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208 §4.1).
import { formatQuota, formatQuotaRoots } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'

export const getQuota: Command<'GETQUOTA'> = {
  ...usual,
  verb: 'GETQUOTA',
  phases: afterLogin,
  async run(session, { root }, tag) {
    const found = await session.mailboxes.quotaRoot(root)
    if (isRefusal(found)) return session.decline(tag, found)
    return {
      ...session.answer(tag, answers.completed('GETQUOTA')),
      untagged: formatQuota(found.name, found.resources, session.responseTerms),
    }
  },
}

export const getQuotaRoot: Command<'GETQUOTAROOT'> = {
  ...usual,
  verb: 'GETQUOTAROOT',
  phases: afterLogin,
  async run(session, { mailbox }, tag) {
    const roots = await session.mailboxes.quotaRoots(mailbox)
    if (isRefusal(roots)) return session.decline(tag, roots)
    const names = roots.map(({ name }) => name)
    const terms = session.responseTerms
    const lines = roots.map(({ name, resources }) => formatQuota(name, resources, terms))
    return {
      ...session.answer(tag, answers.completed('GETQUOTAROOT')),
      untagged: formatQuotaRoots(mailbox, names, terms) + lines.join(''),
    }
  },
}

/** RFC 9208 §4.1.3: nobody sets limits over IMAP here, so QUOTASET is not offered. */
export const setQuota: Command<'SETQUOTA'> = {
  ...usual,
  verb: 'SETQUOTA',
  phases: afterLogin,
  run: (session, _command, tag) =>
    session.decline(tag, {
      refused: 'How much an account may have is for the administrator of this server to say',
      code: codes.noPermission,
    }),
}
