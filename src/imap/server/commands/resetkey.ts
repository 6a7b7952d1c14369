// RESETKEY (RFC 4467 §7): the tokens of GENURLAUTH are worth nothing any more.
import { urlMechanism } from '../../grammar/url.ts'
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import { afterLogin, type Command, usual } from '../command.ts'

export const resetKey: Command<'RESETKEY'> = {
  ...usual,
  verb: 'RESETKEY',
  phases: afterLogin,
  async run(session, { mailbox, mechanisms }, tag) {
    if (mechanisms.some(each => each !== urlMechanism)) return session.answer(tag, answers.urlMechanism)
    const refusal = await session.mailboxes.resetUrlKeys(mailbox)
    if (refusal) return session.decline(tag, refusal)
    // RFC 4467 §8: of a mailbox, the mechanisms that it has now.
    const code = mailbox === undefined ? undefined : codes.urlMechanism([])
    return session.answer(tag, answers.completed('RESETKEY', code))
  },
}
