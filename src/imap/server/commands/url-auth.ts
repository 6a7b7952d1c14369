// GENURLAUTH, RESETKEY, URLFETCH (RFC 4467 §7, RFC 5524): URLs by which others see a message, or a part of one.
import type { CommandOf } from '../../grammar/command.ts'
import { urlMechanism } from '../../grammar/url.ts'
import { formatFetchedUrl, formatGeneratedUrls, formatUrlData } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'
import type { Session } from '../session.ts'
import type { Telling } from '../session-state.ts'

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

export const urlFetch: Command<'URLFETCH'> = {
  ...usual,
  verb: 'URLFETCH',
  phases: afterLogin,
  run: tell,
}

async function* tell(session: Session, { urls }: CommandOf<'URLFETCH'>, tag: string): Telling {
  for (const { url, wants } of urls) {
    const data = await session.mailboxes.fetchUrl(url, wants ?? { content: 'BODY', structure: false })
    if (data && wants) yield* formatUrlData(url, data, session.responseTerms)
    else yield* formatFetchedUrl(url, data?.content?.octets ?? undefined)
  }
  return session.answer(tag, answers.completed('URLFETCH'))
}
