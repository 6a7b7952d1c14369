// LISTRIGHTS (RFC 4314 §3.4).
import { formatListRights } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'
import { serviceOf, unlessThereIs } from '../optional-services.ts'

export const listRights: Command<'LISTRIGHTS'> = {
  ...usual,
  verb: 'LISTRIGHTS',
  phases: afterLogin,
  denied: unlessThereIs('acl'),
  async run(session, { mailbox, identifier }, tag) {
    const grantable = await serviceOf(session, 'acl').grantable(mailbox, identifier)
    if (isRefusal(grantable)) return session.decline(tag, grantable)
    return {
      ...session.answer(tag, answers.completed('LISTRIGHTS')),
      // §3.4: the identifier in the client's own words.
      untagged: formatListRights(mailbox, { identifier, ...grantable }, session.responseTerms),
    }
  },
}
