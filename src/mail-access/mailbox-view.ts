// A mailbox as one session has it selected: its own numbers of the messages, and what it has been told.
import type { ReplacedMessage } from '../imap/grammar/commands/append.ts'
import type { CopyCommand } from '../imap/grammar/commands/copy.ts'
import type { QuickResync } from '../imap/grammar/commands/select.ts'
import type { SortCriterion } from '../imap/grammar/commands/sort.ts'
import type { StoreCommand } from '../imap/grammar/commands/store.ts'
import type { ThreadCommand } from '../imap/grammar/commands/thread.ts'
import { takePage } from '../imap/grammar/page.ts'
import {
  type NamedBy,
  type NumberRange,
  resolveRanges,
  type SequenceSet,
} from '../imap/grammar/sequence-set.ts'
import { codes } from '../imap/responses/codes.ts'
import type { Thread } from '../imap/responses/thread.ts'
import {
  type Copied,
  type FetchRequest,
  type Found,
  isRefusal,
  type MailboxChange,
  type MessageBatch,
  type Refusal,
  type SearchRequest,
  type SelectedFacts,
  type SelectedMailbox,
  type SelectTerms,
  type Stored,
} from '../imap/server/mailbox-services.ts'
import { type Block, uidsInState } from '../mailbox/blocks.ts'
import { changeFlags } from '../mailbox/change-flags.ts'
import { copyMessages, moveMessages } from '../mailbox/copy-messages.ts'
import { expungeMessages } from '../mailbox/expunge.ts'
import { type Mailbox, mailboxIdOf, type OpenMailbox, openingOf } from '../mailbox/mailbox-row.ts'
import { MessageNumbers } from '../mailbox/message-numbers.ts'
import type { MessageFlags } from '../mailbox/message-row.ts'
import { flagBits as allFlags, type Changeable, flags as flagBits, live } from '../mailbox/message-state.ts'
import {
  type MailboxChanges,
  type MailboxState,
  readChanges,
  readMailboxState,
} from '../mailbox/read-mailbox.ts'
import { claimRecent } from '../mailbox/recent.ts'
import {
  countUids,
  intersectRanges,
  rangesOf,
  subtractRanges,
  type UidRange,
  uidsOf,
} from '../mailbox/uid-ranges.ts'
import type { MaybePromise } from '../runtime/maybe-promise.ts'
import type { Right, Rights } from '../sharing/rights.ts'
import { changePages } from './change-pages.ts'
import { fetchMessages } from './fetch-messages.ts'
import { changeableWith, FlagStates, flagNames, readFlagNames, systemFlagNames } from './flag-names.ts'
import type { MailboxPlaces } from './mailbox-places.ts'
import type { AccessParts } from './parts.ts'
import { overQuota } from './quota.ts'
import { RecentMessages } from './recent-messages.ts'
import { type Searching, searchMessages } from './search-messages.ts'
import { inPieces, numbersOf, selectRanges, selectUids, spanUids } from './selection.ts'
import { sortMessages } from './sort-messages.ts'
import { threadMessages } from './thread-messages.ts'
import { whereKept } from './where-kept.ts'

/** Messages of one write: others wait for its end. */
const messagesOfWrite = 2000

export const mailboxGone: Refusal = {
  refused: 'This mailbox has been removed',
  code: codes.nonExistent,
}

const mailboxLeft: Refusal = { refused: 'This mailbox is not selected any more' }

const nothingToSet: Refusal = {
  refused: 'You may set none of these flags in this mailbox',
  code: codes.noPermission,
}

const noPermission = (refused: string): Refusal => ({ refused, code: codes.noPermission })

const mayNotRead = noPermission('You may not read this mailbox any more')

const readOnly: Refusal = { refused: 'This mailbox was opened for reading only', code: codes.readOnly }

export class MailboxView implements SelectedMailbox {
  readonly #parts: AccessParts
  readonly #places: MailboxPlaces
  readonly #noteArrivals: Opening['noteArrivals']
  readonly #id: OpenMailbox
  readonly #numbers: MessageNumbers
  readonly facts: SelectedFacts
  resync: SelectedMailbox['resync']
  /** Everything up to this mod-sequence has been told, or is in `#later`. */
  #known: number
  /** Changes of this session's own that its client knows already: UID and mod-sequence. */
  readonly #silent = new Map<number, number>()
  /** What has left, and cannot be told yet. */
  #later: number[] = []
  readonly #changed = new Map<number, MessageFlags>()
  /** Changed without a word: UIDs, with their new mod-sequences. */
  readonly #quiet = new Map<number, number>()
  #hasNew = false
  #arrived: number[] = []
  /** What this session has put in itself. */
  readonly #ownArrivals = new Set<number>()
  /** As the client knows them. */
  #knownRights: Rights
  isReleased = false
  #hasRecent = false
  readonly #recent: RecentMessages
  readonly #tellsRecent: boolean
  /** How many keywords its client has heard of. */
  #knownKeywords: number
  #newFlags: Mailbox['keywords'] | undefined
  #saved: readonly NumberRange[] = []
  #listener: (() => void) | undefined
  /** From the beginning: what has changed between the reading and the listening is not missed. */
  #isDirty = true
  readonly #stopListening: () => void

  private constructor(
    { parts, places, rights, noteArrivals }: Opening,
    { mailbox, blocks }: MailboxState,
    { access, tellsRecent }: SelectTerms,
    recent: RecentMessages,
  ) {
    this.#parts = parts
    this.#places = places
    this.#noteArrivals = noteArrivals
    this.#id = openingOf(mailbox)
    this.#knownRights = rights
    this.#numbers = new MessageNumbers(blocks)
    this.#known = mailbox.modSeq
    this.#recent = recent
    this.#tellsRecent = tellsRecent
    this.#knownKeywords = mailbox.keywords.length
    this.facts = {
      ...describeFacts(mailbox, accessWith(rights, access), rights),
      exists: this.#numbers.count,
      recent: recent.countIn(this.#numbers),
      firstUnseen: mailbox.unseen > 0 ? this.#findUnseen(blocks) : undefined,
    }
    this.#stopListening = parts.changes.listen(mailbox.id, () => {
      this.#isDirty = true
      this.#listener?.()
    })
  }

  static async open(opening: Opening, state: MailboxState, terms: SelectTerms): Promise<MailboxView> {
    const recent = new RecentMessages()
    const { mailbox } = state
    if (terms.tellsRecent)
      recent.add(
        await findRecent(
          opening.parts,
          mailbox,
          mailbox.uidNext - 1,
          tracedWith(opening.rights, terms.access),
        ),
      )
    const opened = new MailboxView(opening, state, terms, recent)
    const { quickResync } = terms
    // RFC 7162 §3.2.5.1: of another mailbox nothing is known.
    if (quickResync?.uidValidity === state.mailbox.uidValidity)
      opened.resync = await opened.#resync(quickResync)
    return opened
  }

  async #resync({ modSeq, knownUids }: QuickResync): Promise<NonNullable<SelectedMailbox['resync']>> {
    const uids = knownUids ?? [everything]
    return {
      vanished: await this.#vanishedOf(modSeq, uids),
      changed: () =>
        this.fetch({
          by: 'uid',
          set: { kind: 'ranges', ranges: uids },
          attributes: [{ kind: 'UID' }, { kind: 'FLAGS' }, { kind: 'MODSEQ' }],
          changedSince: modSeq,
          vanished: false,
          page: undefined,
        }),
    }
  }

  /** The number of the first. */
  #findUnseen(blocks: readonly Block[]): number | undefined {
    const [first] = uidsInState(blocks, live | flagBits.seen, live)
    return first === undefined ? undefined : this.#numbers.numberOf(first)
  }

  get highestModSeq(): number {
    return this.#known
  }

  /** Messages that this session has put into the mailbox: nobody need tell its client more of them than that they are there. */
  noteOwnArrivals({ mailboxId }: OpenMailbox, uids: readonly NumberRange[]): void {
    if (mailboxId === this.#id.mailboxId) for (const uid of uidsOf(uids)) this.#ownArrivals.add(uid)
  }

  get mailboxId(): number {
    return this.#id.mailboxId
  }

  onChange(listener: () => void): void {
    this.#listener = listener
  }

  release(): void {
    this.isReleased = true
    this.#stopListening()
  }

  /** undefined: it is not selected any more. */
  get id(): OpenMailbox | undefined {
    return this.isReleased ? undefined : this.#id
  }

  async vanishedSince(modSeq: number, set: SequenceSet): Promise<readonly NumberRange[]> {
    const uids = set.kind === 'saved' ? this.#saved : resolveRanges(set.ranges, this.facts.uidNext - 1)
    return await this.#vanishedOf(modSeq, uids)
  }

  async #vanishedOf(modSeq: number, uids: readonly NumberRange[]): Promise<readonly NumberRange[]> {
    const changes = await this.#parts.storage.run(readChanges, { ...this.#id, since: modSeq, limit: 0 })
    if (!changes) return []
    // Who was away too long is told of all that is not there (RFC 7162 §3.2.5.2).
    const gone =
      changes.vanished === 'forgotten'
        ? subtractRanges(
            [{ first: 1, last: changes.mailbox.uidNext - 1 }],
            this.#numbers.uidsIn([everything]),
          )
        : changes.vanished
    return intersectRanges(gone, uids)
  }

  async *fetch(request: FetchRequest): AsyncGenerator<MessageBatch> {
    const rights = await this.#rights()
    // Taken away meanwhile: what was there is told to have gone.
    if (!rights.includes('r')) return
    // RFC 4314 §4: without s it is not set, and nobody is refused for that.
    const marks = this.facts.access === 'read-write' && rights.includes('s')
    yield* fetchMessages(
      {
        ...this.#parts,
        id: this.#id,
        numbers: this.#numbers,
        ranges: selectRanges(this.#numbers, request.set, request.by, this.#saved),
        recent: this.#recent,
        markSeen: async uids => (marks ? await this.#markSeen(uids) : []),
        noteTold: messages => this.#silence(messages),
      },
      request,
    )
  }

  #rights(): MaybePromise<Rights> {
    return this.#places.rightsIn(this.#id)
  }

  async #lacks(...wanted: readonly Right[]): Promise<boolean> {
    const rights = await this.#rights()
    return wanted.some(right => !rights.includes(right))
  }

  /** REPLACE (RFC 8508): a message that the session sees, and may remove. */
  async findReplaced({
    by,
    number,
  }: ReplacedMessage): Promise<{ readonly from: OpenMailbox; readonly uid: number } | undefined> {
    if (this.facts.access === 'read-only' || (await this.#lacks('t', 'e'))) return undefined
    const [uid] = this.#select({ kind: 'ranges', ranges: [{ first: number, last: number }] }, by)
    return uid === undefined ? undefined : { from: this.#id, uid }
  }

  #select(set: SequenceSet, by: 'uid' | 'sequence'): number[] {
    return [...selectUids(this.#numbers, set, by, this.#saved)]
  }

  /** Those that were not \Seen, as they are now. Their FETCH says so. */
  async #markSeen(uids: readonly number[]): Promise<readonly MessageFlags[]> {
    const change = {
      ...this.#id,
      ranges: spanUids(this.#numbers, uids),
      mode: 'add',
      flags: flagBits.seen,
      keywords: [],
    } as const
    const outcome = await whereKept(() => this.#parts.storage.run(changeFlags, change), undefined)
    return outcome?.kind === 'changed' ? outcome.changed : []
  }

  /** Its client knows of these changes. */
  #silence(messages: readonly MessageFlags[]): void {
    for (const { uid, modSeq } of messages) this.#silent.set(uid, modSeq)
  }

  async store(request: Omit<StoreCommand, 'verb'>): Promise<Stored | Refusal> {
    if (this.facts.access === 'read-only') return readOnly
    const wanted = readFlagNames(request.flags)
    const changeable = changeableWith(await this.#rights())
    if (changesNothing(wanted, request.action, changeable)) return nothingToSet
    const modified: number[] = []
    for (const uids of inPieces(this.#select(request.set, request.by), messagesOfWrite)) {
      const outcome = await this.#parts.storage.run(changeFlags, {
        ...this.#id,
        ranges: spanUids(this.#numbers, uids),
        mode: request.action === 'replace' ? 'set' : request.action,
        ...wanted,
        changeable,
        unchangedSince: request.unchangedSince,
      })
      if (outcome.kind === 'gone') return mailboxGone
      if (outcome.kind === 'too-many-keywords')
        return {
          refused: 'This mailbox has too many different keywords, or one is too long',
          code: codes.limit,
        }
      if (request.silent) this.#silence(outcome.changed)
      modified.push(...uidsOf(outcome.modified))
    }
    this.#isDirty = true
    return { modified: numbersOf(this.#numbers, modified, request.by) }
  }

  async expunge(set: SequenceSet | undefined): Promise<undefined | Refusal> {
    if (this.facts.access === 'read-only') return readOnly
    if (await this.#lacks('e')) return noPermission('You may not expunge messages of this mailbox')
    const ranges = set && spanUids(this.#numbers, this.#select(set, 'uid'))
    for (let more = true; more; ) {
      const outcome = await this.#parts.storage.run(expungeMessages, {
        ...this.#id,
        ranges,
        limit: messagesOfWrite,
        now: this.#parts.clock.now(),
      })
      if (!outcome) return mailboxGone
      more = outcome.more
    }
    this.#isDirty = true
    return undefined
  }

  async copy({ verb, set, by, mailbox }: CopyCommand): Promise<Copied | Refusal> {
    if (verb === 'MOVE' && this.facts.access === 'read-only') return readOnly
    // RFC 6851 §4.5: what COPY, STORE and EXPUNGE need together.
    if (await this.#lacks('r')) return mayNotRead
    if (verb === 'MOVE' && (await this.#lacks('t', 'e')))
      return noPermission('You may not take messages out of this mailbox')
    const target = await this.#places.findFor('i', mailbox)
    // RFC 9051 §6.4.7: perhaps it can be made.
    if (isRefusal(target))
      return target.code === codes.nonExistent ? { ...target, code: codes.tryCreate } : target
    const uids = this.#select(set, by)
    const outcome = await this.#parts.storage.run(verb === 'MOVE' ? moveMessages : copyMessages, {
      from: this.#id,
      ranges: spanUids(this.#numbers, uids),
      to: { accountId: target.mailbox.accountId, name: target.mailbox.name },
      brings: changeableWith(target.rights),
      usual: this.#parts.usualQuota,
      now: this.#parts.clock.now(),
    })
    this.#isDirty = true
    switch (outcome.kind) {
      case 'gone':
        return mailboxGone
      case 'no-target':
        return { refused: `There is no mailbox ${mailbox}`, code: codes.tryCreate }
      case 'over-quota':
        return overQuota
      case 'nothing':
        return { uidValidity: 0, from: [], to: [] }
      case 'copied': {
        const count = countUids(outcome.source)
        const to = [{ first: outcome.firstUid, last: outcome.firstUid + count - 1 }]
        this.#noteArrivals(outcome.target, to)
        return { uidValidity: outcome.target.uidValidity, from: outcome.source, to }
      }
      default:
        return outcome satisfies never
    }
  }

  async search({ by, key, saves }: SearchRequest): Promise<Found | Refusal> {
    if (await this.#lacks('r')) return mayNotRead
    const found = await searchMessages(this.#searching(), key, by)
    this.#save(saves, found, by)
    return found
  }

  async sort(
    request: SearchRequest & { readonly criteria: readonly SortCriterion[] },
  ): Promise<Found | Refusal> {
    if (await this.#lacks('r')) return mayNotRead
    const { by, key, criteria, saves } = request
    const found = await this.#inTurn(() => sortMessages(this.#searching(), key, criteria, by))
    if (isRefusal(found)) return found
    this.#save(saves, found, by)
    return found
  }

  /** `$` (RFC 5182 §2.4): UIDs, which stay what they are when numbers change. */
  #save(saves: SearchRequest['saves'], { numbers }: Found, by: NamedBy): void {
    if (saves === undefined) return
    const chosen =
      saves === 'all'
        ? numbers
        : [
            ...(saves.min ? numbers.slice(0, 1) : []),
            ...(saves.max ? numbers.slice(-1) : []),
            ...(saves.page ? takePage(numbers, saves.page) : []),
          ]
    const uids = by === 'uid' ? chosen : chosen.flatMap(number => this.#numbers.uidAt(number) ?? [])
    this.#saved = rangesOf([...new Set(uids)].sort((a, b) => a - b))
  }

  async thread(request: Omit<ThreadCommand, 'verb'>): Promise<readonly Thread[] | Refusal> {
    if (await this.#lacks('r')) return mayNotRead
    return await this.#inTurn(() => threadMessages(this.#searching(), request))
  }

  /** A session that has ended meanwhile wants nothing any more. */
  async #inTurn<Result>(work: () => Promise<Result | Refusal>): Promise<Result | Refusal> {
    return await this.#parts.sorting.run(this.#places.accountId, async () =>
      this.isReleased ? mailboxLeft : await work(),
    )
  }

  #searching(): Searching {
    return {
      ...this.#parts,
      id: this.#id,
      numbers: this.#numbers,
      saved: this.#saved,
      recent: this.#recent,
    }
  }

  async takeChanges(scope: 'all' | 'without-expunges'): Promise<readonly MailboxChange[]> {
    if (this.#isDirty) {
      this.#isDirty = false
      try {
        await this.#readChanges()
      } catch (cause) {
        // Nothing wakes it once more: the next command has to look.
        this.#isDirty = true
        throw cause
      }
    }
    const changes: MailboxChange[] = scope === 'all' ? this.#tellExpunged() : []
    if (this.#hasNew)
      changes.push({
        kind: 'exists',
        count: this.#numbers.count,
        arrived: rangesOf(this.#arrived),
        recent: this.#hasRecent ? this.#recent.countIn(this.#numbers) : undefined,
      })
    this.#hasNew = false
    this.#arrived = []
    this.#hasRecent = false
    if (this.#newFlags)
      changes.push({
        kind: 'known-flags',
        ...describeFlags(this.#newFlags, this.facts.access, this.#knownRights),
      })
    this.#newFlags = undefined
    for (const message of this.#changed.values()) {
      const { uid, modSeq } = message
      const sequence = this.#numbers.numberOf(uid)
      if (sequence !== undefined)
        changes.push({ kind: 'flags', sequence, uid, flags: this.#recent.flagNames(message), modSeq })
    }
    this.#changed.clear()
    for (const [uid, modSeq] of this.#quiet) {
      const sequence = this.#numbers.numberOf(uid)
      if (sequence !== undefined) changes.push({ kind: 'mod-seq', sequence, uid, modSeq })
    }
    this.#quiet.clear()
    return changes
  }

  /** In ascending order: each has the number that it has when those before it have gone. */
  #tellExpunged(): MailboxChange[] {
    const uids = this.#later.toSorted((a, b) => a - b)
    this.#later = []
    const sequences = uids.flatMap(uid => this.#numbers.remove(uid) ?? [])
    return sequences.length === 0 ? [] : [{ kind: 'expunged', sequences, uids: rangesOf(uids) }]
  }

  async #readChanges(): Promise<void> {
    const rights = await this.#rights()
    if (!rights.includes('r')) {
      this.#later = [...this.#numbers.uidsIn([everything])]
      return
    }
    const hasNewRights = rights !== this.#knownRights
    this.#knownRights = rights
    const [arrived, between]: [number[], number[]] = [[], []]
    const { lastUid } = this.#numbers
    let mailbox: Mailbox | undefined
    for await (const page of changePages(this.#parts.storage, this.#id, this.#known)) {
      if (!page) {
        // Nothing of it is there any more.
        this.#later = [...this.#numbers.uidsIn([everything])]
        return
      }
      if (!mailbox) {
        await this.#noteVanished(page.vanished)
        this.#noteKeywords(page.mailbox.keywords, hasNewRights)
      }
      // What leaves while further pages are read is told the next time.
      mailbox ??= page.mailbox
      for (const message of page.changed) {
        if (!this.#numbers.has(message.uid)) {
          // What a repair has brought back between others (src/mailbox/mailbox-damage.ts) has a number in the next session only.
          const found = message.uid > lastUid ? arrived : between
          found.push(message.uid)
        } else if (this.#silent.get(message.uid) === message.modSeq)
          this.#quiet.set(message.uid, message.modSeq)
        else this.#changed.set(message.uid, message)
      }
    }
    if (!mailbox) return
    this.#numbers.passOver(between)
    await this.#takeIn(
      mailbox,
      arrived.sort((a, b) => a - b),
    )
    // At the end: what cannot be taken in now is read again.
    this.#silent.clear()
    this.#known = mailbox.modSeq
  }

  async #takeIn(mailbox: Mailbox, arrived: readonly number[]): Promise<void> {
    const last = arrived.at(-1)
    if (last === undefined) return
    const recent = this.#tellsRecent
      ? await findRecent(this.#parts, mailbox, last, tracedWith(this.#knownRights, this.facts.access))
      : undefined
    this.#recent.add(recent)
    this.#hasRecent ||= recent !== undefined
    for (const uid of arrived) this.#numbers.add(uid)
    this.#arrived.push(...arrived.filter(uid => !this.#ownArrivals.delete(uid)))
    this.#ownArrivals.clear()
    this.#hasNew = true
  }

  /** There are never fewer. */
  #noteKeywords(keywords: Mailbox['keywords'], hasNewRights: boolean): void {
    if (keywords.length === this.#knownKeywords && !hasNewRights) return
    this.#knownKeywords = keywords.length
    this.#newFlags = keywords
  }

  async #noteVanished(vanished: MailboxChanges['vanished']): Promise<void> {
    const gone = vanished === 'forgotten' ? await this.#findMissing() : this.#numbers.uidsIn(vanished)
    this.#later = [...new Set([...this.#later, ...gone])]
  }

  /** Of those that the session sees. */
  async #findMissing(): Promise<number[]> {
    const state = await this.#parts.storage.run(readMailboxState, this.#id)
    const states = new FlagStates(state?.blocks ?? [])
    return [...this.#numbers.uidsIn([everything])].filter(uid => !states.of(uid))
  }
}

/** What this session is the first to know of; one that only looks takes it from nobody. */
async function findRecent(
  { storage }: AccessParts,
  { id: mailboxId, accountId, uidValidity, recentFrom }: Mailbox,
  lastUid: number,
  access: SelectTerms['access'],
): Promise<UidRange | undefined> {
  if (recentFrom > lastUid) return undefined
  const all = { first: recentFrom, last: lastUid }
  if (access === 'read-only') return all
  const claim = { accountId, mailboxId, uidValidity, lastUid }
  return await whereKept(() => storage.run(claimRecent, claim), all)
}

/** RFC 9051 §9, nz-number */
const everything = { first: 1, last: 2 ** 32 - 1 }

/** What a mailbox is opened with. */
export interface Opening {
  readonly parts: AccessParts
  readonly places: MailboxPlaces
  /** As they are at the opening. */
  readonly rights: Rights
  /** Called when this session has put messages somewhere. */
  readonly noteArrivals: (to: OpenMailbox, uids: readonly NumberRange[]) => void
}

/** RFC 4314 §5.2: who may change nothing reads only. */
function accessWith(rights: Rights, access: SelectTerms['access']): SelectTerms['access'] {
  return Array.from('iewst').some(right => rights.includes(right)) ? access : 'read-only'
}

/** Who may not leave a trace takes \Recent from nobody. */
function tracedWith(rights: Rights, access: SelectTerms['access']): SelectTerms['access'] {
  return rights.includes('s') ? access : 'read-only'
}

/** None of the flags that somebody wants to set, or take away, is his to change (RFC 4314 §4). */
function changesNothing(
  { flags, keywords }: { readonly flags: number; readonly keywords: readonly string[] },
  action: StoreCommand['action'],
  changeable: Changeable,
): boolean {
  const isNamed = flags !== 0 || keywords.length > 0
  // A list without any is about all of them.
  const wanted = action === 'replace' && !isNamed ? allFlags : flags
  return isNamed || action === 'replace'
    ? (wanted & changeable.flags) === 0 && !(keywords.length > 0 && changeable.keywords)
    : false
}

function describeFacts(
  mailbox: Mailbox,
  access: SelectTerms['access'],
  rights: Rights,
): Omit<SelectedFacts, 'exists' | 'recent' | 'firstUnseen'> {
  const { flags, permanent } = describeFlags(mailbox.keywords, access, rights)
  return {
    access,
    uidValidity: mailbox.uidValidity,
    uidNext: mailbox.uidNext,
    highestModSeq: mailbox.modSeq,
    flags,
    permanentFlags: permanent,
    mailboxId: mailboxIdOf(mailbox),
  }
}

/** RFC 4314 §5.1.1: what may be set with these rights. */
function describeFlags(
  keywords: Mailbox['keywords'],
  access: SelectTerms['access'],
  rights: Rights,
): { readonly flags: readonly string[]; readonly permanent: readonly string[] } {
  const changeable = changeableWith(rights)
  const settable = [...flagNames(changeable.flags, []), ...(changeable.keywords ? [...keywords, '\\*'] : [])]
  return { flags: [...systemFlagNames, ...keywords], permanent: access === 'read-only' ? [] : settable }
}

/** RFC 8474 §4: of one mailbox for ever, whatever its name. */
