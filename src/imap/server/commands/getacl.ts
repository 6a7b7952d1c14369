// GETACL (RFC 4314 §3.3).
import { formatAcl } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'
import { serviceOf, unlessThereIs } from '../optional-services.ts'

export const getAcl: Command<'GETACL'> = {
  ...usual,
  verb: 'GETACL',
  phases: afterLogin,
  denied: unlessThereIs('acl'),
  async run(session, { mailbox }, tag) {
    const rights = await serviceOf(session, 'acl').list(mailbox)
    if (isRefusal(rights)) return session.decline(tag, rights)
    return {
      ...session.answer(tag, answers.completed('GETACL')),
      untagged: formatAcl(mailbox, rights, session.responseTerms),
    }
  },
}
