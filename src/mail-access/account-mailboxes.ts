// The mailboxes of an account and those of others that it sees, as one session has them (RFC 9051 §6.3).
import type { ReplacedMessage } from '../imap/grammar/commands/append.ts'
import type { CreateCommand } from '../imap/grammar/commands/create.ts'
import type { ListCommand } from '../imap/grammar/commands/list.ts'
import type { StatusItem } from '../imap/grammar/commands/status.ts'
import type { UrlWants } from '../imap/grammar/commands/urlfetch.ts'
import type { NumberRange } from '../imap/grammar/sequence-set.ts'
import type { UrlData } from '../imap/responses/account-data.ts'
import { codes } from '../imap/responses/codes.ts'
import type { Namespaces, StatusValue } from '../imap/responses/mailbox-data.ts'
import {
  type AppendTarget,
  isRefusal,
  type ListedWithStatus,
  type QuotaRoot,
  type Refusal,
  type SelectedMailbox,
  type SelectTerms,
  type SessionMailboxes,
  type WatchRequest,
} from '../imap/server/mailbox-services.ts'
import { removeFirstMessages } from '../mailbox/expunge.ts'
import { delimiter, maxLevels, maxNameLength } from '../mailbox/mailbox-names.ts'
import { type Mailbox, mailboxIdOf, type OpenMailbox, openingOf } from '../mailbox/mailbox-row.ts'
import {
  createMailbox,
  listMailboxes,
  listSubscriptions,
  removeMailbox,
  renameMailbox,
  subscribe,
  unsubscribe,
} from '../mailbox/name-operations.ts'
import { isOtherUsers, otherUsersPrefix, problemOfLevels } from '../mailbox/name-rules.ts'
import { readMailboxState } from '../mailbox/read-mailbox.ts'
import { countRecent } from '../mailbox/recent.ts'
import { removeUrlKeys } from '../mailbox/url-keys.ts'
import { allRights, formatRights } from '../sharing/rights.ts'
import { listSharedMailboxes } from '../sharing/shared-mailboxes.ts'
import { AccessControl } from './access-control.ts'
import { MailboxAppend } from './append-target.ts'
import { type ListableMailbox, listNames } from './list-mailboxes.ts'
import { MailboxPlaces, missing, type NewPlace } from './mailbox-places.ts'
import { MailboxView } from './mailbox-view.ts'
import { MessageUrls } from './message-urls.ts'
import { MailboxMetadata } from './metadata.ts'
import { formatOtherUsersName, parseOtherUsersName } from './other-users.ts'
import type { AccessParts } from './parts.ts'
import { readQuotaRoots } from './quota.ts'
import { specialUses } from './special-uses.ts'
import { maxWatched, Watch } from './watch.ts'

const exists = (name: string): Refusal => ({
  refused: `There is a mailbox ${name} already`,
  code: codes.alreadyExists,
})
const tooMany: Refusal = { refused: 'This account has as many mailboxes as it can have', code: codes.limit }
const cannot = (refused: string): Refusal => ({ refused, code: codes.cannot })

/** Messages of one write: others wait for its end. */
const messagesOfWrite = 2000

export class AccountMailboxes implements SessionMailboxes {
  readonly #parts: AccessParts
  readonly #accountId: number
  readonly #places: MailboxPlaces
  readonly namespaces: Namespaces = { personal: [''], otherUsers: [otherUsersPrefix], shared: [] }
  readonly acl: AccessControl
  readonly metadata: MailboxMetadata
  readonly #urls: MessageUrls
  #selected: MailboxView | undefined
  #watch: Watch | undefined

  constructor(parts: AccessParts, accountId: number) {
    this.#parts = parts
    this.#accountId = accountId
    this.#places = new MailboxPlaces(parts, accountId)
    this.acl = new AccessControl(parts, this.#places)
    this.metadata = new MailboxMetadata(parts, this.#places, (id, modSeq) =>
      this.#watch?.expectNote(id, modSeq),
    )
    this.#urls = new MessageUrls(parts)
  }

  close(): void {
    this.#selected?.release()
    this.#watch?.close()
  }

  async *list(query: Omit<ListCommand, 'verb'>): AsyncGenerator<readonly ListedWithStatus[]> {
    const mailboxes = await this.#listMailboxes()
    const subscriptions = await this.#parts.storage.run(listSubscriptions, { accountId: this.#accountId })
    const byName = new Map(mailboxes.map(mailbox => [mailbox.name, mailbox]))
    const { returns } = query
    const listed: ListedWithStatus[] = []
    for (const mailbox of await listNames(query, { mailboxes, subscriptions })) {
      const found = byName.get(mailbox.name)
      // RFC 5819 §2: of what may not be read there is none.
      const mayRead = found?.rights.includes('r') === true
      listed.push({
        mailbox,
        status:
          returns?.status && mayRead ? await statusOf(this.#parts, found.mailbox, returns.status) : undefined,
        rights: returns?.myRights && found ? formatRights(found.rights) : undefined,
      })
    }
    yield listed
  }

  /** Its own, and those of others that it may see (RFC 4314 §4). */
  async #listMailboxes(): Promise<readonly ListableMailbox[]> {
    const { storage } = this.#parts
    const account = { accountId: this.#accountId }
    const own = await storage.run(listMailboxes, account)
    const shared = await storage.run(listSharedMailboxes, account)
    return [
      ...own.map(mailbox => ({ mailbox, name: mailbox.name, use: mailbox.specialUse, rights: allRights })),
      // What it is for is a matter of its owner (RFC 6154 §2).
      ...shared
        .filter(({ rights }) => rights.includes('l'))
        .map(({ mailbox, owner, rights }) => ({
          mailbox,
          name: formatOtherUsersName(owner, mailbox.name),
          use: undefined,
          rights,
        })),
    ]
  }

  async watch(request: WatchRequest): Promise<Watch | Refusal> {
    const parts = {
      ...this.#parts,
      accountId: this.#accountId,
      listMailboxes: () => this.#listMailboxes(),
      selectedId: () => (this.#selected?.isReleased === false ? this.#selected.mailboxId : undefined),
    }
    const watch = await Watch.open(parts, request)
    this.#watch?.close()
    this.#watch = watch
    return (
      watch ?? {
        refused: `That is more than ${maxWatched} mailboxes; name fewer of them`,
        code: codes.notificationOverflow,
      }
    )
  }

  async status(
    name: string,
    items: readonly StatusItem[],
  ): Promise<ReadonlyMap<StatusItem, StatusValue> | Refusal> {
    const place = await this.#places.findFor('r', name)
    return isRefusal(place) ? place : await statusOf(this.#parts, place.mailbox, items)
  }

  async create({
    mailbox: name,
    specialUse,
  }: Omit<CreateCommand, 'verb'>): Promise<{ mailboxId: string } | Refusal> {
    const use = specialUses.find(one => specialUse.includes(`\\${one}`))
    if (specialUse.length > (use ? 1 : 0))
      return {
        refused: `A mailbox can be one of ${specialUses.map(one => `\\${one}`).join(' ')}`,
        code: codes.useAttribute,
      }
    // RFC 9051 §6.3.4: a delimiter at the end says that there will be others below.
    const bare = name.endsWith(delimiter) ? name.slice(0, -1) : name
    const problem = problemOfName(bare)
    if (problem !== undefined) return cannot(problem)
    if (use && isOtherUsers(bare))
      return { refused: 'What a mailbox is for is a matter of its owner', code: codes.useAttribute }
    const place = await this.#places.findNew(bare)
    if (isRefusal(place)) return place
    this.#watch?.expect(...levelsOf(bare))
    const outcome = await this.#parts.storage.run(createMailbox, {
      ...place,
      specialUse: use,
      now: this.#parts.clock.now(),
    })
    switch (outcome.kind) {
      case 'created':
        return { mailboxId: mailboxIdOf(outcome.mailbox) }
      case 'exists':
        return exists(bare)
      case 'special-use-taken':
        return { refused: `This account has a mailbox for \\${use ?? ''} already`, code: codes.useAttribute }
      case 'too-many':
        return tooMany
      default:
        return outcome satisfies never
    }
  }

  async delete(name: string): Promise<undefined | Refusal> {
    const place = await this.#places.findFor('x', name)
    if (isRefusal(place)) return place
    const { mailbox } = place
    if (mailbox.name === 'INBOX') return cannot('INBOX cannot be removed')
    this.#watch?.expect(...levelsOf(name))
    const { storage, clock } = this.#parts
    const now = clock.now()
    const pieces = { ...openingOf(mailbox), limit: messagesOfWrite, now }
    for (let more = true; more; ) more = await storage.run(removeFirstMessages, pieces)
    const { accountId } = mailbox
    const outcome = await storage.run(removeMailbox, { accountId, name: mailbox.name, now })
    return outcome === 'missing' ? missing(name) : undefined
  }

  async rename(name: string, to: string): Promise<undefined | Refusal> {
    const problem = problemOfName(to)
    if (problem !== undefined) return cannot(problem)
    const from = await this.#renamed(name)
    if (isRefusal(from)) return from
    const place = await this.#places.findNew(to)
    if (isRefusal(place)) return place
    // Messages would change their owner, and with him whose quota they count for.
    if (place.accountId !== from.accountId)
      return cannot('A mailbox stays with its owner; make another one, and move the messages')
    this.#watch?.expect(...levelsOf(name), ...levelsOf(to))
    const outcome = await this.#parts.storage.run(renameMailbox, {
      ...from,
      to: place.name,
      now: this.#parts.clock.now(),
    })
    switch (outcome) {
      case 'renamed':
        return undefined
      case 'missing':
        return missing(name)
      case 'exists':
        return exists(to)
      case 'below-itself':
        return cannot('A mailbox cannot be moved below itself')
      case 'too-long':
        return cannot(
          `What is below it would have a name of more than ${maxLevels} levels or ${maxNameLength} characters`,
        )
      case 'too-many':
        return tooMany
      default:
        return outcome satisfies never
    }
  }

  /** Of one's own it may be a level only, and no mailbox. */
  async #renamed(name: string): Promise<NewPlace | Refusal> {
    if (!isOtherUsers(name)) return { accountId: this.#accountId, name }
    const place = await this.#places.findFor('x', name)
    if (isRefusal(place)) return place
    const { mailbox } = place
    return mailbox.name === 'INBOX' ? cannot("Another user's INBOX cannot be renamed") : mailbox
  }

  async setSubscribed(
    name: string,
    subscription: 'subscribed' | 'unsubscribed',
  ): Promise<undefined | Refusal> {
    const problem = subscription === 'subscribed' ? problemOfName(name) : undefined
    if (problem !== undefined) return cannot(problem)
    const { storage } = this.#parts
    const accountId = this.#accountId
    const listed = await this.#places.listedName(name)
    this.#watch?.expect(name, listed)
    if (subscription === 'subscribed')
      return (await storage.run(subscribe, { accountId, name: listed })) === 'too-many' ? tooMany : undefined
    // What was subscribed to before it was shared is there as it was spelled.
    for (const spelled of new Set([name, listed]))
      await storage.run(unsubscribe, { accountId, name: spelled })
    return undefined
  }

  /** The same for all mailboxes of an account; how full those of others are is for their owners to see. */
  async quotaRoots(name: string): Promise<readonly QuotaRoot[] | Refusal> {
    if (!isOtherUsers(name)) return await readQuotaRoots(this.#parts, this.#accountId)
    const place = await this.#places.findFor('r', name)
    return isRefusal(place) ? place : []
  }

  async quotaRoot(name: string): Promise<QuotaRoot | Refusal> {
    const roots = await readQuotaRoots(this.#parts, this.#accountId)
    return (
      roots.find(root => root.name === name) ?? {
        refused: 'There is no such quota',
        code: codes.nonExistent,
      }
    )
  }

  async select(name: string, terms: SelectTerms): Promise<SelectedMailbox | Refusal> {
    const place = await this.#places.findFor('r', name)
    if (isRefusal(place)) return place
    const { mailbox, rights } = place
    const state = await this.#parts.storage.run(readMailboxState, openingOf(mailbox))
    if (!state) return missing(name)
    const opening = {
      parts: this.#parts,
      places: this.#places,
      rights,
      noteArrivals: (to: OpenMailbox, uids: readonly NumberRange[]) => this.#noteArrivals(to, uids),
    }
    this.#selected = await MailboxView.open(opening, state, terms)
    return this.#selected
  }

  /** This session has put them there itself. */
  #noteArrivals(to: OpenMailbox, uids: readonly NumberRange[]): void {
    this.#selected?.noteOwnArrivals(to, uids)
    this.#watch?.expectArrivals(to.mailboxId, uids)
  }

  async authorizeUrl(url: string): Promise<{ readonly url: string } | Refusal> {
    return await this.#urls.authorize(url, this.#accountId)
  }

  async resetUrlKeys(name: string | undefined): Promise<undefined | Refusal> {
    const outcome = await this.#parts.storage.run(removeUrlKeys, { accountId: this.#accountId, name })
    return outcome === 'missing' ? missing(name ?? '') : undefined
  }

  async fetchUrl(url: string, wants: UrlWants): Promise<UrlData | undefined> {
    const content = await this.#urls.open(url, { accountId: this.#accountId, as: 'user' })
    return await content?.describe(wants)
  }

  async append(name: string, replaces: ReplacedMessage | undefined): Promise<AppendTarget | Refusal> {
    const place = await this.#places.findFor('i', name)
    if (isRefusal(place))
      return place.code === codes.nonExistent ? { ...place, code: codes.tryCreate } : place
    const replaced = replaces && (await this.#selected?.findReplaced(replaces))
    if (replaces && !replaced) return cannot('There is no such message to replace')
    return new MailboxAppend(this.#parts, {
      place,
      replaces: replaced,
      openUrl: url => this.#urls.openReadable(url, this.#places, this.#selected?.id),
      noteArrivals: (to, uids) => this.#noteArrivals(to, uids),
    })
  }
}

/** The name and those above it, which may come or go with it. */
function levelsOf(name: string): readonly string[] {
  const levels = name.split(delimiter)
  return levels.map((_, depth) => levels.slice(0, depth + 1).join(delimiter))
}

function problemOfName(name: string): string | undefined {
  if (isOtherUsers(name) && !parseOtherUsersName(name))
    return `Below ${otherUsersPrefix} stand the mailboxes of other users, by their addresses`
  return problemOfLevels(name)
}

async function statusOf(
  { storage }: Pick<AccessParts, 'storage'>,
  mailbox: Mailbox,
  items: readonly StatusItem[],
): Promise<ReadonlyMap<StatusItem, StatusValue>> {
  const hasRecent = items.includes('RECENT') && mailbox.recentFrom < mailbox.uidNext
  const recent = hasRecent ? await storage.run(countRecent, openingOf(mailbox)) : 0
  return new Map(items.map(item => [item, statusValue({ ...mailbox, recent }, item)]))
}

function statusValue(mailbox: Mailbox & { readonly recent: number }, item: StatusItem): StatusValue {
  switch (item) {
    case 'MESSAGES':
      return mailbox.messages
    case 'UIDNEXT':
      return mailbox.uidNext
    case 'UIDVALIDITY':
      return mailbox.uidValidity
    case 'UNSEEN':
      return mailbox.unseen
    case 'DELETED':
      return mailbox.deleted
    case 'SIZE':
      return mailbox.bytes
    case 'RECENT':
      return mailbox.recent
    case 'HIGHESTMODSEQ':
      return mailbox.modSeq
    case 'MAILBOXID':
      return mailboxIdOf(mailbox)
    case 'DELETED-STORAGE':
      return mailbox.deletedBytes
    case 'APPENDLIMIT':
      return null
    default:
      return item satisfies never
  }
}
