// GETQUOTAROOT (RFC 9208 §4.1.2).
import { formatQuota, formatQuotaRoots } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'

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
