// NOTIFY (RFC 5465): from now on the client hears of what happens without asking.
import type { CommandOf } from '../../grammar/command.ts'
import type { EventGroup, NotifyEvent } from '../../grammar/commands/notify.ts'
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'
import { unlessThereIs } from '../optional-services.ts'
import type { Session } from '../session.ts'
import type { Telling } from '../session-state.ts'
import { formatNews } from '../tell-changes.ts'

export const notify: Command<'NOTIFY'> = {
  ...usual,
  verb: 'NOTIFY',
  phases: afterLogin,
  denied: unlessThereIs('watch'),
  run: tell,
}

async function* tell(session: Session, { groups, status }: CommandOf<'NOTIFY'>, tag: string): Telling {
  // §3.1
  if (groups && asksTooMuch(groups)) return session.answer(tag, answers.unknownEvent(supported))
  const news = await session.notify(groups, status)
  if (isRefusal(news)) return session.decline(tag, news)
  yield formatNews(news, session)
  // What has happened in the selected mailbox until now comes with the answer, as with every other.
  return session.answer(tag, answers.completed('NOTIFY'))
}

const supported: readonly NotifyEvent[] = [
  'MessageNew',
  'MessageExpunge',
  'FlagChange',
  'MailboxName',
  'SubscriptionChange',
  'MailboxMetadataChange',
  'ServerMetadataChange',
]

function asksTooMuch(groups: readonly EventGroup[]): boolean {
  return groups.some(({ events }) => events.some(event => !supported.includes(event)))
}
