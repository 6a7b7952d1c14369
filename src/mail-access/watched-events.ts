// Which events of which mailboxes a client wants to hear of (RFC 5465 §6).
import type { EventGroup, MailboxFilter, NotifyEvent } from '../imap/grammar/commands/notify.ts'
import { delimiter } from '../mailbox/mailbox-names.ts'
import { isOtherUsers } from '../mailbox/name-rules.ts'

/** Of these a mailbox other than the selected one is told by STATUS. */
const messageEvents: readonly NotifyEvent[] = ['MessageNew', 'MessageExpunge', 'FlagChange']

export class WatchedEvents {
  /** Without those of the selected mailbox. */
  readonly #groups: readonly EventGroup[]

  constructor(groups: readonly EventGroup[]) {
    this.#groups = groups
  }

  /** Of a mailbox by its name. */
  of(name: string, isSubscribed: boolean): ReadonlySet<NotifyEvent> {
    const matching = this.#groups.filter(({ filter }) => matches(filter, name, isSubscribed))
    return new Set(matching.flatMap(({ events }) => events))
  }

  /** Of the server, which is no mailbox. */
  get wantsServer(): boolean {
    return this.#groups.some(({ events }) => events.includes('ServerMetadataChange'))
  }
}

export function wantsMessages(events: ReadonlySet<NotifyEvent>): boolean {
  return messageEvents.some(event => events.has(event))
}

function matches(filter: MailboxFilter, name: string, isSubscribed: boolean): boolean {
  switch (filter.kind) {
    case 'selected':
    case 'selected-delayed':
      return false
    // §6.3: a script may deliver into any of them.
    case 'inboxes':
    case 'personal':
      return !isOtherUsers(name)
    case 'subscribed':
      return isSubscribed
    case 'subtree':
      return filter.mailboxes.some(root => name === root || name.startsWith(root + delimiter))
    case 'mailboxes':
      return filter.mailboxes.includes(name)
    default:
      return filter satisfies never
  }
}
