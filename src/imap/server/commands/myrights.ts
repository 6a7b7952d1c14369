// MYRIGHTS (RFC 4314 §3.5).
import { formatMyRights } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { serviceOf, unlessThereIs } from '../optional-services.ts'

export const myRights: Command<'MYRIGHTS'> = {
  ...usual,
  verb: 'MYRIGHTS',
  phases: afterLogin,
  denied: unlessThereIs('acl'),
  async run(session, { mailbox }, tag) {
    const rights = await serviceOf(session, 'acl').mine(mailbox)
    if (typeof rights === 'object') return session.decline(tag, rights)
    return {
      ...session.answer(tag, answers.completed('MYRIGHTS')),
      untagged: formatMyRights(mailbox, rights, session.responseTerms),
    }
  },
}
