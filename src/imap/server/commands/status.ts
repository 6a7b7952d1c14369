// STATUS (RFC 9051 §6.3.11).
import { answers } from '../../responses/answers.ts'
import { formatMailboxStatus } from '../../responses/mailbox-data.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'

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
