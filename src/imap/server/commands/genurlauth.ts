// GENURLAUTH (RFC 4467 §7): the URLs of messages, with tokens by which others see them.
import { urlMechanism } from '../../grammar/url.ts'
import { formatGeneratedUrls } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'

export const genUrlAuth: Command<'GENURLAUTH'> = {
  ...usual,
  verb: 'GENURLAUTH',
  phases: afterLogin,
  async run(session, { urls }, tag) {
    if (urls.some(each => each.mechanism !== urlMechanism)) return session.answer(tag, answers.urlMechanism)
    const authorized: string[] = []
    for (const { url } of urls) {
      const whole = await session.mailboxes.authorizeUrl(url)
      // RFC 4467 §7: BAD, whatever is wrong with it.
      if (isRefusal(whole)) return session.answer(tag, answers.urlNotAuthorized(whole.refused))
      authorized.push(whole.url)
    }
    return {
      ...session.answer(tag, answers.completed('GENURLAUTH')),
      untagged: formatGeneratedUrls(authorized),
    }
  },
}
