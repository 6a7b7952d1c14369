// NOTIFY (RFC 5465): which events the client wants to hear of, and of which mailboxes.
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'
import { type FetchAttribute, parseFetchAttributes } from './fetch.ts'

export type MailboxFilter =
  | { readonly kind: 'selected' | 'selected-delayed' | 'inboxes' | 'personal' | 'subscribed' }
  | { readonly kind: 'subtree' | 'mailboxes'; readonly mailboxes: readonly string[] }

const notifyEvents = [
  'MessageNew',
  'MessageExpunge',
  'FlagChange',
  'AnnotationChange',
  'MailboxName',
  'SubscriptionChange',
  'MailboxMetadataChange',
  'ServerMetadataChange',
] as const

export type NotifyEvent = (typeof notifyEvents)[number]

export interface EventGroup {
  readonly filter: MailboxFilter
  /** None: nothing is wanted of these mailboxes. */
  readonly events: readonly NotifyEvent[]
  /** What FETCH would say of a new message, of the selected mailbox. */
  readonly attributes: readonly FetchAttribute[]
}

export interface NotifyCommand {
  readonly verb: 'NOTIFY'
  /** undefined: NONE. */
  readonly groups: readonly EventGroup[] | undefined
  /** STATUS of each mailbox first. */
  readonly status: boolean
}

export function parseNotify(cursor: Cursor): NotifyCommand {
  cursor.blank()
  if (cursor.takesKeyword('NONE')) return { verb: 'NOTIFY', groups: undefined, status: false }
  if (!cursor.takesKeyword('SET')) cursor.expect('SET or NONE')
  cursor.blank()
  const status = cursor.takesKeyword('STATUS')
  if (status) cursor.blank()
  const groups = cursor.separated(() => readGroup(cursor))
  // §6.1
  if (groups.filter(({ filter }) => isSelected(filter)).length > 1)
    cursor.fail('syntax', 'Of the selected mailbox one group speaks (RFC 5465 6.1)')
  return { verb: 'NOTIFY', groups, status }
}

function readGroup(cursor: Cursor): EventGroup {
  cursor.skip('(')
  const filter = readFilter(cursor)
  cursor.blank()
  let attributes: readonly FetchAttribute[] = []
  const readEvent = (): NotifyEvent => {
    const event = cursor.oneOf(notifyEvents, 'an event', 'NOTIFY knows')
    if (event !== 'MessageNew' || !cursor.seesBehindBlank('(')) return event
    cursor.blank()
    attributes = parseFetchAttributes(cursor)
    return event
  }
  const events = cursor.takesKeyword('NONE') ? [] : cursor.list(readEvent)
  cursor.skip(')')
  const problem = findProblem(filter, events, attributes)
  if (problem !== undefined) cursor.fail('syntax', problem)
  return { filter, events, attributes }
}

function isSelected({ kind }: MailboxFilter): boolean {
  return kind === 'selected' || kind === 'selected-delayed'
}

const messageEvents: readonly NotifyEvent[] = [
  'MessageNew',
  'MessageExpunge',
  'FlagChange',
  'AnnotationChange',
]

/** RFC 5465 §5: what goes only together. */
function findProblem(
  filter: MailboxFilter,
  events: readonly NotifyEvent[],
  attributes: readonly FetchAttribute[],
): string | undefined {
  const has = (event: NotifyEvent): boolean => events.includes(event)
  if (has('MessageNew') !== has('MessageExpunge'))
    return 'MessageNew and MessageExpunge go together (RFC 5465 5)'
  if ((has('FlagChange') || has('AnnotationChange')) && !has('MessageNew'))
    return 'FlagChange needs MessageNew and MessageExpunge (RFC 5465 5)'
  if (isSelected(filter) && events.some(event => !messageEvents.includes(event)))
    return 'Of the selected mailbox only events of messages are told (RFC 5465 6.1)'
  if (attributes.length > 0 && !isSelected(filter))
    return 'Attributes of new messages are told of the selected mailbox only (RFC 5465 5.2)'
  return undefined
}

function readFilter(cursor: Cursor): MailboxFilter {
  const kind = cursor.keyword('which mailboxes').toLowerCase()
  switch (kind) {
    case 'selected':
    case 'selected-delayed':
    case 'inboxes':
    case 'personal':
    case 'subscribed':
      return { kind }
    case 'subtree':
    case 'mailboxes':
      cursor.blank()
      return { kind, mailboxes: cursor.listOrOne(() => parseMailboxName(cursor)) }
    default:
      cursor.fail(
        'syntax',
        'NOTIFY knows selected selected-delayed inboxes personal subscribed subtree mailboxes',
      )
      return { kind: 'selected' }
  }
}
