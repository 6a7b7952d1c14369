// A mailbox as one session has it selected: its own numbers of the messages, and what it has been told.
import type { ReplacedMessage } from '../imap/grammar/commands/append.ts'
import type { CopyCommand } from '../imap/grammar/commands/copy.ts'
import type { FetchCommand } from '../imap/grammar/commands/fetch.ts'
import type { QuickResync } from '../imap/grammar/commands/select.ts'
import type { SortCriterion, ThreadCommand } from '../imap/grammar/commands/sort.ts'
import type { StoreCommand } from '../imap/grammar/commands/store.ts'
import {
  type NamedBy,
  type NumberRange,
  resolveRanges,
  type SequenceSet,
} from '../imap/grammar/sequence-set.ts'
import { codes } from '../imap/responses/codes.ts'
import type { Thread } from '../imap/responses/thread.ts'
import type {
  Copied,
  Found,
  MailboxChange,
  MessageBatch,
  Refusal,
  SearchRequest,
  SelectedFacts,
  SelectedMailbox,
  SelectTerms,
  Stored,
} from '../imap/server/mailbox-services.ts'
import { type Block, uidsInState } from '../mailbox/blocks.ts'
import { changeFlags } from '../mailbox/change-flags.ts'
import { copyMessages, moveMessages } from '../mailbox/copy-messages.ts'
import { expungeMessages } from '../mailbox/expunge.ts'
import type { Mailbox, OpenMailbox as MailboxId } from '../mailbox/mailbox-row.ts'
import { MessageNumbers } from '../mailbox/message-numbers.ts'
import type { MessageFlags } from '../mailbox/message-row.ts'
import { flags as flagBits, live } from '../mailbox/message-state.ts'
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
import { changePages } from './change-pages.ts'
import { fetchMessages } from './fetch-messages.ts'
import { FlagStates, readFlagNames, systemFlagNames } from './flag-names.ts'
import type { AccessParts } from './parts.ts'
import { overQuota } from './quota.ts'
import { RecentMessages } from './recent-messages.ts'
import { type Searching, searchMessages } from './search-messages.ts'
import { inPieces, numbersOf, selectUids, spanUids } from './selection.ts'
import { sortMessages } from './sort-messages.ts'
import { threadMessages } from './thread-messages.ts'

/** Messages of one write: others wait for its end. */
const messagesOfWrite = 2000

export const mailboxGone: Refusal = {
  refused: 'This mailbox has been removed',
  code: codes.nonExistent,
}

const readOnly: Refusal = { refused: 'This mailbox was opened for reading only', code: codes.readOnly }

export class OpenMailbox implements SelectedMailbox {
  readonly #parts: AccessParts
  readonly #id: MailboxId
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
    parts: AccessParts,
    { mailbox, blocks }: MailboxState,
    { access, tellsRecent }: SelectTerms,
    recent: RecentMessages,
  ) {
    this.#parts = parts
    this.#id = { accountId: mailbox.accountId, mailboxId: mailbox.id, uidValidity: mailbox.uidValidity }
    this.#numbers = new MessageNumbers(blocks)
    this.#known = mailbox.modSeq
    this.#recent = recent
    this.#tellsRecent = tellsRecent
    this.#knownKeywords = mailbox.keywords.length
    this.facts = {
      ...describeFacts(mailbox, access),
      exists: this.#numbers.count,
      recent: recent.countIn(this.#numbers),
      firstUnseen: this.#findUnseen(blocks),
    }
    this.#stopListening = parts.changes.listen(mailbox.id, () => {
      this.#isDirty = true
      this.#listener?.()
    })
  }

  static async open(parts: AccessParts, state: MailboxState, terms: SelectTerms): Promise<OpenMailbox> {
    const recent = new RecentMessages()
    const { mailbox } = state
    if (terms.tellsRecent) recent.add(await findRecent(parts, mailbox, mailbox.uidNext - 1, terms.access))
    const opened = new OpenMailbox(parts, state, terms, recent)
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

  onChange(listener: () => void): void {
    this.#listener = listener
  }

  release(): void {
    this.#stopListening()
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

  async *fetch(request: Omit<FetchCommand, 'verb'>): AsyncGenerator<MessageBatch> {
    yield* fetchMessages(
      {
        ...this.#parts,
        id: this.#id,
        numbers: this.#numbers,
        uids: this.#select(request.set, request.by),
        recent: this.#recent,
        markSeen: async uids => (this.facts.access === 'read-only' ? [] : await this.#markSeen(uids)),
      },
      request,
    )
  }

  /** REPLACE (RFC 8508): a message that the session sees. */
  findReplaced({
    by,
    number,
  }: ReplacedMessage): { readonly from: MailboxId; readonly uid: number } | undefined {
    if (this.facts.access === 'read-only') return undefined
    const [uid] = this.#select({ kind: 'ranges', ranges: [{ first: number, last: number }] }, by)
    return uid === undefined ? undefined : { from: this.#id, uid }
  }

  #select(set: SequenceSet, by: 'uid' | 'sequence'): number[] {
    return [...selectUids(this.#numbers, set, by, this.#saved)]
  }

  /** Those that were not \Seen, as they are now. Their FETCH says so. */
  async #markSeen(uids: readonly number[]): Promise<readonly MessageFlags[]> {
    const outcome = await this.#parts.storage.run(changeFlags, {
      ...this.#id,
      ranges: spanUids(this.#numbers, uids),
      mode: 'add',
      flags: flagBits.seen,
      keywords: [],
    })
    if (outcome.kind !== 'changed') return []
    for (const { uid, modSeq } of outcome.changed) this.#silent.set(uid, modSeq)
    return outcome.changed
  }

  async store(request: Omit<StoreCommand, 'verb'>): Promise<Stored | Refusal> {
    if (this.facts.access === 'read-only') return readOnly
    const wanted = readFlagNames(request.flags)
    const modified: number[] = []
    for (const uids of inPieces(this.#select(request.set, request.by), messagesOfWrite)) {
      const outcome = await this.#parts.storage.run(changeFlags, {
        ...this.#id,
        ranges: spanUids(this.#numbers, uids),
        mode: request.action === 'replace' ? 'set' : request.action,
        ...wanted,
        unchangedSince: request.unchangedSince,
      })
      if (outcome.kind === 'gone') return mailboxGone
      if (outcome.kind === 'too-many-keywords')
        return { refused: 'This mailbox has too many different keywords', code: codes.limit }
      if (request.silent) for (const { uid, modSeq } of outcome.changed) this.#silent.set(uid, modSeq)
      modified.push(...uidsOf(outcome.modified))
    }
    this.#isDirty = true
    return { modified: numbersOf(this.#numbers, modified, request.by) }
  }

  async expunge(set: SequenceSet | undefined): Promise<undefined | Refusal> {
    if (this.facts.access === 'read-only') return readOnly
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
    const uids = this.#select(set, by)
    const outcome = await this.#parts.storage.run(verb === 'MOVE' ? moveMessages : copyMessages, {
      from: this.#id,
      ranges: spanUids(this.#numbers, uids),
      to: { accountId: this.#id.accountId, name: mailbox },
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
        return {
          uidValidity: outcome.target.uidValidity,
          from: outcome.source,
          to: [{ first: outcome.firstUid, last: outcome.firstUid + count - 1 }],
        }
      }
      default:
        return outcome satisfies never
    }
  }

  async search({ by, key, saves }: SearchRequest): Promise<Found> {
    const found = await searchMessages(this.#searching(), key, by)
    this.#save(saves, found, by)
    return found
  }

  async sort(request: SearchRequest & { readonly criteria: readonly SortCriterion[] }): Promise<Found> {
    const { by, key, criteria, saves } = request
    const found = await sortMessages(this.#searching(), key, criteria, by)
    this.#save(saves, found, by)
    return found
  }

  /** `$` (RFC 5182 §2.4): UIDs, which stay what they are when numbers change. */
  #save(saves: SearchRequest['saves'], { numbers }: Found, by: NamedBy): void {
    if (saves === undefined) return
    const uids = by === 'uid' ? numbers : numbers.flatMap(number => this.#numbers.uidAt(number) ?? [])
    const inOrder = uids.toSorted((a, b) => a - b)
    const ends = [inOrder[0], inOrder.at(-1)]
    const [min, max] = ends
    const chosen = { all: inOrder, min: [min], max: [max], 'min-and-max': ends }[saves]
    this.#saved = rangesOf(new Set(chosen.flatMap(uid => uid ?? [])))
  }

  thread(request: Omit<ThreadCommand, 'verb'>): Promise<readonly Thread[]> {
    return threadMessages(this.#searching(), request)
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
    if (this.#isDirty) await this.#readChanges()
    const changes: MailboxChange[] = scope === 'all' ? this.#tellExpunged() : []
    if (this.#hasNew)
      changes.push({
        kind: 'exists',
        count: this.#numbers.count,
        recent: this.#hasRecent ? this.#recent.countIn(this.#numbers) : undefined,
      })
    this.#hasNew = false
    this.#hasRecent = false
    if (this.#newFlags)
      changes.push({ kind: 'known-flags', ...describeFlags(this.#newFlags, this.facts.access) })
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
    this.#isDirty = false
    const arrived: number[] = []
    let mailbox: Mailbox | undefined
    for await (const page of changePages(this.#parts.storage, this.#id, this.#known)) {
      if (!page) {
        // Nothing of it is there any more.
        this.#later = [...this.#numbers.uidsIn([everything])]
        return
      }
      if (!mailbox) {
        await this.#noteVanished(page.vanished)
        this.#noteKeywords(page.mailbox.keywords)
      }
      // What leaves while further pages are read is told the next time.
      mailbox ??= page.mailbox
      for (const message of page.changed) {
        if (!this.#numbers.has(message.uid)) arrived.push(message.uid)
        else if (this.#silent.get(message.uid) === message.modSeq)
          this.#quiet.set(message.uid, message.modSeq)
        else this.#changed.set(message.uid, message)
      }
    }
    this.#silent.clear()
    this.#known = mailbox?.modSeq ?? this.#known
    if (mailbox)
      await this.#takeIn(
        mailbox,
        arrived.sort((a, b) => a - b),
      )
  }

  async #takeIn(mailbox: Mailbox, arrived: readonly number[]): Promise<void> {
    const last = arrived.at(-1)
    if (last === undefined) return
    const recent = this.#tellsRecent
      ? await findRecent(this.#parts, mailbox, last, this.facts.access)
      : undefined
    this.#recent.add(recent)
    this.#hasRecent ||= recent !== undefined
    for (const uid of arrived) this.#numbers.add(uid)
    this.#hasNew = true
  }

  /** There are never fewer. */
  #noteKeywords(keywords: Mailbox['keywords']): void {
    if (keywords.length === this.#knownKeywords) return
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
  if (access === 'read-only') return { first: recentFrom, last: lastUid }
  return await storage.run(claimRecent, { accountId, mailboxId, uidValidity, lastUid })
}

/** RFC 9051 §9, nz-number */
const everything = { first: 1, last: 2 ** 32 - 1 }

function describeFacts(
  mailbox: Mailbox,
  access: SelectTerms['access'],
): Omit<SelectedFacts, 'exists' | 'recent' | 'firstUnseen'> {
  const { flags, permanent } = describeFlags(mailbox.keywords, access)
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

function describeFlags(
  keywords: Mailbox['keywords'],
  access: SelectTerms['access'],
): { readonly flags: readonly string[]; readonly permanent: readonly string[] } {
  const flags = [...systemFlagNames, ...keywords]
  return { flags, permanent: access === 'read-only' ? [] : [...flags, '\\*'] }
}

/** RFC 8474 §4: of one mailbox for ever, whatever its name. */
export function mailboxIdOf({ id, uidValidity }: Pick<Mailbox, 'id' | 'uidValidity'>): string {
  return `M${id}-${uidValidity}`
}
