// CREATE (RFC 9051 §6.3.4, RFC 6154 §3).
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'

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
