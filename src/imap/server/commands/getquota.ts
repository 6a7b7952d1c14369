// GETQUOTA (RFC 9208 §4.1.1).
import { formatQuota } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
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
