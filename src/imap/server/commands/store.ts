// STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3).
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import { type Command, deniedWhereReadOnly, keepsNumbers } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'

export const store: Command<'STORE'> = {
  ...keepsNumbers,
  verb: 'STORE',
  denied: deniedWhereReadOnly,
  async run(session, { verb: _verb, ...request }, tag) {
    const untagged = request.unchangedSince === undefined ? '' : session.enableModSeq()
    const stored = await session.selected.store(request)
    if (isRefusal(stored)) return session.decline(tag, stored)
    // RFC 7162 §3.1.3
    const code = stored.modified.length > 0 ? codes.modified(stored.modified) : undefined
    return { ...session.answer(tag, answers.completed('STORE', code)), untagged }
  },
}
