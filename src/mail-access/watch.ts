// What happens to the mailboxes of an account while nobody asks (RFC 5465): looked for when something has, and told by what is
// different from the last time. So however much happens, no more is kept of it than what each mailbox was.
import type { NotifyEvent } from '../imap/grammar/commands/notify.ts'
import type { StatusItem } from '../imap/grammar/commands/status.ts'
import type { NumberRange } from '../imap/grammar/sequence-set.ts'
import type { ListedMailbox, StatusValue } from '../imap/responses/mailbox-data.ts'
import type { AccountNews, MailboxWatch, WatchRequest } from '../imap/server/mailbox-services.ts'
import { type Mailbox, openingOf } from '../mailbox/mailbox-row.ts'
import { listChangedMetadata } from '../mailbox/metadata.ts'
import { listSubscriptions } from '../mailbox/name-operations.ts'
import { readMailboxes } from '../mailbox/read-mailbox.ts'
import { type ListableMailbox, levelsAbove, listNames } from './list-mailboxes.ts'
import type { AccessParts } from './parts.ts'
import { WatchedEvents, wantsMessages } from './watched-events.ts'

/** Of more than so many nobody is told: each is looked at, and each may be told at once. */
export const maxWatched = 1000
/** Of the last changes that the client has made itself. */
const maxOwnNotes = 1000

export interface WatchParts extends Pick<AccessParts, 'storage' | 'changes'> {
  readonly accountId: number
  /** Those that it sees. */
  readonly listMailboxes: () => Promise<readonly ListableMailbox[]>
  /** The one that is told of by its session. */
  readonly selectedId: () => number | undefined
}

interface Watched {
  mailbox: Mailbox
  readonly name: string
  readonly events: ReadonlySet<NotifyEvent>
  readonly stopListening: () => void
}

interface Known {
  readonly listed: ReadonlyMap<string, ListedMailbox>
  readonly subscribed: ReadonlySet<string>
  /** Name → id. */
  readonly ids: ReadonlyMap<string, number>
}

interface DirtyMailbox {
  readonly mailbox: Mailbox
  readonly changed: readonly { readonly name: string; readonly modSeq: number }[]
}

export class Watch implements MailboxWatch {
  readonly #parts: WatchParts
  readonly #events: WatchedEvents
  readonly #request: WatchRequest
  readonly #watched = new Map<number, Watched>()
  #known: Known = { listed: new Map(), subscribed: new Set(), ids: new Map() }
  #stops: (() => void)[] = []
  readonly #dirty = new Set<number>()
  #namesAreDirty = false
  /** Found out, and kept where what stands behind it cannot be. */
  #untold: AccountNews[] = []
  /** What the client itself has done to names. */
  readonly #own = new Set<string>()
  readonly #ownNotes = new Set<string>()
  readonly #ownArrivals = new Map<number, NumberRange>()
  /** undefined: not looked at yet. */
  #serverModSeq: number | undefined
  #isClosed = false

  private constructor(parts: WatchParts, request: WatchRequest) {
    this.#parts = parts
    this.#request = request
    this.#events = new WatchedEvents(request.groups)
  }

  /** undefined: there would be too much to watch. */
  static async open(parts: WatchParts, request: WatchRequest): Promise<Watch | undefined> {
    const watch = new Watch(parts, request)
    await watch.#look()
    await watch.#takeServer()
    if (watch.#watched.size <= maxWatched) return watch
    watch.close()
    return undefined
  }

  close(): void {
    this.#isClosed = true
    for (const { stopListening } of this.#watched.values()) stopListening()
    for (const stop of this.#stops) stop()
    this.#watched.clear()
    this.#stops = []
  }

  /** Names that are about to change by the client's own doing: it is not told of them (§5). */
  expect(...names: readonly string[]): void {
    for (const name of names) this.#own.add(name)
  }

  /** The same of messages that it has put somewhere; the last of each mailbox. */
  expectArrivals(mailboxId: number, uids: readonly NumberRange[]): void {
    const [first, last] = [uids[0]?.first, uids.at(-1)?.last]
    if (first === undefined || last === undefined || !this.#watched.has(mailboxId)) return
    this.#ownArrivals.set(mailboxId, { first, last })
  }

  /** Nothing but these has come, and nothing has left. */
  #isOwnDoing(before: Mailbox, now: Mailbox): boolean {
    const own = this.#ownArrivals.get(now.id)
    return (
      own !== undefined &&
      before.uidNext === own.first &&
      now.uidNext === own.last + 1 &&
      now.messages - before.messages === own.last - own.first + 1
    )
  }

  /** The same of what it has noted: of a mailbox by its id, or of the server. */
  expectNote(mailboxId: number | undefined, modSeq: number): void {
    if (this.#ownNotes.size >= maxOwnNotes) this.#ownNotes.clear()
    this.#ownNotes.add(`${mailboxId} ${modSeq}`)
  }

  #namesOfOthers(
    mailboxId: number | undefined,
    changed: readonly { readonly name: string; readonly modSeq: number }[],
  ): readonly string[] {
    return changed
      .filter(({ modSeq }) => !this.#ownNotes.has(`${mailboxId} ${modSeq}`))
      .map(({ name }) => name)
  }

  /** What can be seen and not be read; with `status`, also how each of the others stands. */
  initial(): readonly AccountNews[] {
    const hidden = [...this.#known.listed.values()].filter(
      ({ name, attributes }) =>
        attributes.includes(noAccess) && wantsMessages(this.#eventsOf(name, this.#known.subscribed)),
    )
    const news: AccountNews[] = hidden.map(mailbox => ({ kind: 'listed', mailbox }))
    if (!this.#request.status) return news
    for (const { mailbox, name, events } of this.#watched.values())
      if (wantsMessages(events) && mailbox.id !== this.#parts.selectedId())
        news.push(this.#statusOf(mailbox, name, events))
    return news
  }

  async take(): Promise<readonly AccountNews[]> {
    if (this.#isClosed) return []
    if (this.#namesAreDirty) {
      this.#namesAreDirty = false
      try {
        await this.#takeNames()
      } catch (cause) {
        this.#namesAreDirty = true
        throw cause
      }
    }
    if (!this.#isClosed) this.#untold.push(...(await this.#compareMailboxes()))
    const news = this.#untold
    this.#untold = []
    return news
  }

  async #takeNames(): Promise<void> {
    const before = this.#known
    await this.#look()
    this.#untold.push(...this.#compareNames(before, this.#known))
    if (this.#watched.size > maxWatched) {
      this.close()
      this.#untold.push({ kind: 'overflow' })
      return
    }
    this.#untold.push(...(await this.#takeServer()))
    // Not before: the answer to a change may come sooner than the word of it.
    this.#own.clear()
  }

  #note(mailboxId: number): void {
    this.#dirty.add(mailboxId)
    this.#request.onNews()
  }

  #eventsOf(name: string, subscribed: ReadonlySet<string>): ReadonlySet<NotifyEvent> {
    return this.#events.of(name, subscribed.has(name))
  }

  /** What changes meanwhile is looked at again. */
  async #look(): Promise<void> {
    const { storage, changes, accountId } = this.#parts
    const onNames = (): void => {
      this.#namesAreDirty = true
      this.#request.onNews()
    }
    if (this.#stops.length === 0) this.#stops.push(changes.listenNames(accountId, onNames))
    const mailboxes = await this.#parts.listMailboxes()
    const names = await storage.run(listSubscriptions, { accountId })
    const listed = await listAll(mailboxes, names)
    if (this.#isClosed) return
    const [ownListener, ...others] = this.#stops
    for (const stop of others) stop()
    const owners = new Set(mailboxes.map(({ mailbox }) => mailbox.accountId))
    owners.delete(accountId)
    this.#stops = [
      ...(ownListener ? [ownListener] : []),
      ...[...owners].map(owner => changes.listenNames(owner, onNames)),
    ]
    const subscribed = new Set(names)
    this.#known = {
      listed: new Map(listed.map(one => [one.name, one])),
      subscribed,
      ids: new Map(mailboxes.map(({ mailbox, name }) => [name, mailbox.id])),
    }
    const before = new Map(this.#watched)
    this.#watched.clear()
    for (const { mailbox, name, rights } of mailboxes) {
      const events = this.#eventsOf(name, subscribed)
      const wanted = wantsMessages(events) || events.has('MailboxMetadataChange')
      // §5: l and r
      if (!wanted || !rights.includes('r')) continue
      const known = before.get(mailbox.id)
      before.delete(mailbox.id)
      const stopListening = known?.stopListening ?? changes.listen(mailbox.id, () => this.#note(mailbox.id))
      // It may have changed between the reading and the listening.
      if (!known) this.#dirty.add(mailbox.id)
      // What has changed in one that is known is still to be told.
      this.#watched.set(mailbox.id, { mailbox: known?.mailbox ?? mailbox, name, events, stopListening })
    }
    for (const { stopListening } of before.values()) stopListening()
  }

  async #takeServer(): Promise<readonly AccountNews[]> {
    if (!this.#events.wantsServer) return []
    const { storage, accountId } = this.#parts
    const before = this.#serverModSeq
    const place = { mailbox: undefined, accountId }
    const changed = await storage.run(listChangedMetadata, { ...place, since: before ?? 0 })
    this.#serverModSeq = Math.max(before ?? 0, ...changed.map(({ modSeq }) => modSeq))
    const names = before === undefined ? [] : this.#namesOfOthers(undefined, changed)
    return names.length === 0 ? [] : [{ kind: 'metadata', mailbox: '', names }]
  }

  /** §5.4, §5.5 */
  #compareNames(before: Known, now: Known): readonly AccountNews[] {
    const news: AccountNews[] = []
    const names = new Map([...before.ids].map(([name, id]) => [id, name]))
    const renamed = new Map<string, string>()
    for (const [name, id] of now.ids) {
      const oldName = names.get(id)
      if (oldName !== undefined && oldName !== name) renamed.set(name, oldName)
    }
    const left = new Set(renamed.values())
    for (const name of new Set([...before.listed.keys(), ...now.listed.keys()])) {
      if (this.#own.has(name)) continue
      const [was, is] = [before.listed.get(name), now.listed.get(name)]
      const isSubscribed = now.subscribed.has(name)
      const events = this.#eventsOf(name, isSubscribed ? now.subscribed : before.subscribed)
      const oldName = renamed.get(name)
      const namesDiffer = describe(was) !== describe(is) || oldName !== undefined
      const isTold =
        (events.has('MailboxName') && namesDiffer && !followsAbove(name, renamed)) ||
        (events.has('SubscriptionChange') && before.subscribed.has(oldName ?? name) !== isSubscribed)
      if (!isTold || (!is && left.has(name))) continue
      news.push({
        kind: 'listed',
        mailbox: is
          ? { ...is, attributes: withSubscribed(is.attributes, isSubscribed), oldName }
          : { name, attributes: withSubscribed(['\\NonExistent'], isSubscribed) },
      })
    }
    return news
  }

  async #compareMailboxes(): Promise<readonly AccountNews[]> {
    const selectedId = this.#parts.selectedId()
    const ids = [...this.#dirty].filter(id => this.#watched.has(id))
    this.#dirty.clear()
    if (ids.length === 0) return []
    const found = await this.#readDirty(ids)
    const news: AccountNews[] = []
    for (const { mailbox, changed } of found) {
      const watched = this.#watched.get(mailbox.id)
      if (!watched) continue
      const { mailbox: before, name } = watched
      watched.mailbox = mailbox
      // §3.1: the selected one is told of by its own rule.
      const isTold = mailbox.id !== selectedId && !this.#isOwnDoing(before, mailbox)
      const status = isTold ? this.#compareOne(before, mailbox, watched) : undefined
      this.#ownArrivals.delete(mailbox.id)
      if (status) news.push(status)
      const names = this.#namesOfOthers(mailbox.id, changed)
      if (names.length > 0) news.push({ kind: 'metadata', mailbox: name, names })
    }
    return news
  }

  /** All that has to be read, before anything counts as told. */
  async #readDirty(ids: readonly number[]): Promise<readonly DirtyMailbox[]> {
    const { storage, accountId } = this.#parts
    const found: DirtyMailbox[] = []
    try {
      for (const mailbox of await storage.run(readMailboxes, { ids })) {
        const watched = this.#watched.get(mailbox.id)
        const changed = watched?.events.has('MailboxMetadataChange')
          ? await storage.run(listChangedMetadata, {
              mailbox: openingOf(mailbox),
              accountId,
              since: watched.mailbox.modSeq,
            })
          : []
        found.push({ mailbox, changed })
      }
    } catch (cause) {
      for (const id of ids) this.#dirty.add(id)
      throw cause
    }
    return found
  }

  #compareOne(
    before: Mailbox,
    now: Mailbox,
    { name, events }: Pick<Watched, 'name' | 'events'>,
  ): AccountNews | undefined {
    const cameOrLeft = before.uidNext !== now.uidNext || before.messages !== now.messages
    if (cameOrLeft && events.has('MessageNew')) return this.#statusOf(now, name, events)
    if (!events.has('FlagChange') || before.modSeq === now.modSeq) return undefined
    return this.#status(now, name, ['UIDVALIDITY', ...ofFlags])
  }

  #statusOf(mailbox: Mailbox, name: string, events: ReadonlySet<NotifyEvent>): AccountNews {
    const items: StatusItem[] = ['MESSAGES', 'UIDNEXT', 'UIDVALIDITY']
    return this.#status(mailbox, name, events.has('FlagChange') ? [...items, ...ofFlags] : items)
  }

  #status(mailbox: Mailbox, name: string, items: readonly StatusItem[]): AccountNews {
    const wanted = this.#request.knowsModSeq() ? new Set([...items, 'HIGHESTMODSEQ' as const]) : items
    const all: Partial<Record<StatusItem, StatusValue>> = {
      MESSAGES: mailbox.messages,
      UIDNEXT: mailbox.uidNext,
      UIDVALIDITY: mailbox.uidValidity,
      UNSEEN: mailbox.unseen,
      HIGHESTMODSEQ: mailbox.modSeq,
    }
    return { kind: 'status', mailbox: name, values: new Map([...wanted].map(item => [item, all[item] ?? 0])) }
  }
}

/** §5.2: a change of flags shows in the mod-sequence, whether or not the client has asked for those before. */
const ofFlags = ['UNSEEN', 'HIGHESTMODSEQ'] as const

const noAccess = '\\NoAccess'

/** Whatever their subscriptions: those are told beside. */
async function listAll(
  mailboxes: readonly ListableMailbox[],
  subscriptions: readonly string[],
): Promise<readonly ListedMailbox[]> {
  const query = { reference: '', patterns: ['*'], selection: [], returns: undefined }
  const unreadable = new Set(mailboxes.flatMap(({ name, rights }) => (rights.includes('r') ? [] : [name])))
  const all = await listNames(query, { mailboxes, subscriptions })
  return all.map(listed =>
    unreadable.has(listed.name) ? { ...listed, attributes: [...listed.attributes, noAccess] } : listed,
  )
}

function withSubscribed(attributes: readonly string[], isSubscribed: boolean): readonly string[] {
  return isSubscribed ? [...attributes, '\\Subscribed'] : attributes
}

function describe(listed: ListedMailbox | undefined): string {
  return listed ? listed.attributes.join(' ') : ''
}

/** §5.4: what is below one that was renamed is not told besides. */
function followsAbove(name: string, renamed: ReadonlyMap<string, string>): boolean {
  const oldName = renamed.get(name)
  if (oldName === undefined) return false
  return levelsAbove(name).some(above => {
    const oldAbove = renamed.get(above)
    return oldAbove !== undefined && oldName === oldAbove + name.slice(above.length)
  })
}
