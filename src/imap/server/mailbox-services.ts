// The mailboxes of one account, as a session sees them. Whoever keeps mailboxes implements this; a session asks one thing at a
// time, and waits for the answer.
//
// What is large comes as a stream and is made while the client reads it: messages in batches, octets in pieces. Whoever gives one
// counts on `return` at any point, because a client may go away in the middle of it.
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import type { AppendedMessage, ReplacedMessage } from '../grammar/commands/append.ts'
import type { CopyCommand } from '../grammar/commands/copy.ts'
import type { CreateCommand } from '../grammar/commands/create.ts'
import type { FetchCommand } from '../grammar/commands/fetch.ts'
import type { GetMetadataCommand } from '../grammar/commands/getmetadata.ts'
import type { ListCommand } from '../grammar/commands/list.ts'
import type { EventGroup } from '../grammar/commands/notify.ts'
import type { SearchKey } from '../grammar/commands/search.ts'
import type { QuickResync } from '../grammar/commands/select.ts'
import type { SetAclCommand } from '../grammar/commands/setacl.ts'
import type { SetMetadataCommand } from '../grammar/commands/setmetadata.ts'
import type { SortCriterion } from '../grammar/commands/sort.ts'
import type { StatusItem } from '../grammar/commands/status.ts'
import type { StoreCommand } from '../grammar/commands/store.ts'
import type { ThreadCommand } from '../grammar/commands/thread.ts'
import type { UrlWants } from '../grammar/commands/urlfetch.ts'
import type { Page } from '../grammar/page.ts'
import type { NamedBy, NumberRange, SequenceSet } from '../grammar/sequence-set.ts'
import type { QuotaResource, UrlData } from '../responses/account-data.ts'
import type { ResponseCode } from '../responses/codes.ts'
import type { FetchItem } from '../responses/fetch.ts'
import type { ListedMailbox, Namespaces, StatusValue } from '../responses/mailbox-data.ts'
import type { LiteralForm } from '../responses/octets.ts'
import type { Thread } from '../responses/thread.ts'

/** Why not, for NO: expected, and for the eyes of the client. */
export interface Refusal {
  /** A sentence. */
  readonly refused: string
  readonly code?: ResponseCode | undefined
}

export type OrRefusal<Value> = MaybePromise<Value | Refusal>

export interface SessionMailboxes {
  readonly namespaces: Namespaces
  /** With what `returns` asks of each: attributes, and STATUS where that is wanted. */
  list(query: Omit<ListCommand, 'verb'>): AsyncIterable<readonly ListedWithStatus[]>
  status(mailbox: string, items: readonly StatusItem[]): OrRefusal<ReadonlyMap<StatusItem, StatusValue>>
  create(mailbox: Omit<CreateCommand, 'verb'>): OrRefusal<{ readonly mailboxId: string }>
  delete(mailbox: string): OrRefusal<undefined>
  rename(mailbox: string, newName: string): OrRefusal<undefined>
  /** Those that bound what comes into this mailbox, which need not be there yet (RFC 9208 §4.1.2). None: nothing does. */
  quotaRoots(mailbox: string): OrRefusal<readonly QuotaRoot[]>
  /** By its name. */
  quotaRoot(name: string): OrRefusal<QuotaRoot>
  setSubscribed(mailbox: string, subscription: 'subscribed' | 'unsubscribed'): OrRefusal<undefined>
  select(mailbox: string, terms: SelectTerms): OrRefusal<SelectedMailbox>
  /** TRYCREATE, no rights, over quota already: refused before any octet is read. */
  append(mailbox: string, replaces: ReplacedMessage | undefined): OrRefusal<AppendTarget>
  /** undefined: nobody else has rights here, and ACL is not offered. */
  readonly acl?: AccessLists | undefined
  /** undefined: nothing is noted, and METADATA is not offered. */
  readonly metadata?: Metadata | undefined
  /** Of one session: a new one ends the one before. undefined: nothing is watched, and NOTIFY is not offered. */
  watch?(request: WatchRequest): OrRefusal<MailboxWatch>
  /** GENURLAUTH (RFC 4467 §7): the URL with the token by which those see it who are named in it. */
  authorizeUrl(url: string): OrRefusal<{ readonly url: string }>
  /** The tokens that were made of the URLs of a mailbox, or of all, are worth nothing any more. */
  resetUrlKeys(mailbox: string | undefined): OrRefusal<undefined>
  /** undefined: it names nothing, or nothing for this user, and who asks is not told which. */
  fetchUrl(url: string, wants: UrlWants): MaybePromise<UrlData | undefined>
  /** The session is over. */
  close(): void
}

export interface QuotaRoot {
  readonly name: string
  /** What has a limit; at least one. */
  readonly resources: readonly QuotaResource[]
}

/** What is noted of mailboxes, and of the server (RFC 5464). */
export interface Metadata {
  get(request: Omit<GetMetadataCommand, 'verb'>): OrRefusal<FoundMetadata>
  /** All of it, or nothing. */
  set(request: Omit<SetMetadataCommand, 'verb'>): OrRefusal<undefined>
}

export interface FoundMetadata {
  /** As much at a time as is worth a response of its own. null: there is no such entry. */
  entries(): AsyncIterable<ReadonlyMap<string, Buffer | null>>
  /** Octets of the longest that was left out because of MAXSIZE. */
  readonly longest: number | undefined
}

/** What is to be heard of other mailboxes than the selected one (RFC 5465). */
export interface WatchRequest {
  readonly groups: readonly EventGroup[]
  /** How each mailbox stands is wanted first. */
  readonly status: boolean
  /** Whether the client is told mod-sequences: it may learn of them later. */
  readonly knowsModSeq: () => boolean
  /** Called when there is something to take. */
  readonly onNews: () => void
}

export interface MailboxWatch {
  /** Before anything has happened. */
  initial(): readonly AccountNews[]
  /** What has happened since it was asked last, but for what the client has done itself, as far as that can be told. */
  take(): MaybePromise<readonly AccountNews[]>
  close(): void
}

export type AccountNews =
  | {
      readonly kind: 'status'
      readonly mailbox: string
      readonly values: ReadonlyMap<StatusItem, StatusValue>
    }
  /** A name, or a subscription, that has come, gone or become another one. */
  | { readonly kind: 'listed'; readonly mailbox: ListedMailbox }
  /** '': of the server. */
  | { readonly kind: 'metadata'; readonly mailbox: string; readonly names: readonly string[] }
  /** It has become too much; nothing more will come (RFC 5465 §5.8). */
  | { readonly kind: 'overflow' }

export interface ListedWithStatus {
  readonly mailbox: ListedMailbox
  /** undefined: not asked for, or not to be had of this one (RFC 5819 §2). */
  readonly status?: ReadonlyMap<StatusItem, StatusValue> | undefined
  /** Where MYRIGHTS is asked for (RFC 8440); undefined: there is no such mailbox. */
  readonly rights?: string | undefined
}

/** Who else may do what in a mailbox (RFC 4314). Rights are letters, with the older c and d where a client is told them. */
export interface AccessLists {
  /** Identifier → rights, the owner first. */
  list(mailbox: string): OrRefusal<ReadonlyMap<string, string>>
  /** `change.rights` are letters that the grammar knows. */
  change(change: Omit<SetAclCommand, 'verb'>): OrRefusal<undefined>
  remove(mailbox: string, identifier: string): OrRefusal<undefined>
  /** What somebody could be given. */
  grantable(
    mailbox: string,
    identifier: string,
  ): OrRefusal<{ readonly required: string; readonly optional: readonly string[] }>
  mine(mailbox: string): OrRefusal<string>
}

export interface SelectTerms {
  readonly access: 'read-write' | 'read-only'
  readonly quickResync: QuickResync | undefined
  /** IMAP4rev1 alone knows \Recent. */
  readonly tellsRecent: boolean
}

/** Messages on their way into a mailbox: all of them appear with `commit`, or none (RFC 3502). */
export interface AppendTarget {
  /** `size` as announced: of the message, or of the first of its parts that comes as octets; 0 where none does. */
  begin(message: AppendedMessage, size: number): OrRefusal<undefined>
  /** The octets come as such a literal now: in a literal8 nothing is mended, whatever is in it (RFC 3516 §4.4). */
  expect(form: LiteralForm): void
  /** CATENATE (RFC 4469): what the URL names is the next part, if it has so many octets at most. */
  appendUrl(url: string, maxBytes: number): OrRefusal<{ readonly size: number }>
  /** A returned promise is back-pressure. The bytes are a part of the socket's buffer: copy what you keep. */
  write(bytes: Uint8Array): MaybePromise<void>
  /** The message is whole: it may be refused now (bare line ends and the like). */
  end(): OrRefusal<undefined>
  /** Durable when it resolves. */
  commit(): OrRefusal<Appended>
  /** Nothing of it is kept. */
  abort(): void
}

/** undefined `uids`: who appended may not read there (RFC 4315 §3). */
export interface Appended {
  readonly uidValidity: number
  readonly uids: readonly NumberRange[] | undefined
}

/** One mailbox as one session sees it: numbers of messages are the session's own, and change with `takeChanges` only. */
export interface SelectedMailbox {
  readonly facts: SelectedFacts
  /** Up to which all that has happened is told, or waits in `takeChanges`. */
  readonly highestModSeq: number
  /** With `quickResync`: what has gone, and what has changed since (RFC 7162 §3.2.5). */
  readonly resync?:
    | { readonly vanished: readonly NumberRange[]; changed(): AsyncIterable<MessageBatch> }
    | undefined
  /** Messages of the set that are there, ascending; RFC 9051 §6.4.5. \Seen is set by it where the attributes say so. */
  fetch(request: FetchRequest): AsyncIterable<MessageBatch>
  /** UIDs of the set that have gone since then (RFC 7162 §3.2.6). */
  vanishedSince(modSeq: number, set: SequenceSet): MaybePromise<readonly NumberRange[]>
  /** What it changes shows in `takeChanges`, unless it is silent. */
  store(request: Omit<StoreCommand, 'verb'>): OrRefusal<Stored>
  search(request: SearchRequest): OrRefusal<Found>
  sort(request: SearchRequest & { readonly criteria: readonly SortCriterion[] }): OrRefusal<Found>
  thread(request: Omit<ThreadCommand, 'verb'>): OrRefusal<readonly Thread[]>
  /** All of them or none. What MOVE takes away shows in `takeChanges`. */
  copy(request: CopyCommand): OrRefusal<Copied>
  /** undefined: whatever is \Deleted. What has gone shows in `takeChanges`. */
  expunge(set: SequenceSet | undefined): OrRefusal<undefined>
  /**
   * What has happened since it was asked last, by this session or another. `without-expunges`: the client could not know which
   * numbers are meant (RFC 9051 §7.5.1), so they are kept for later.
   */
  takeChanges(scope: 'all' | 'without-expunges'): MaybePromise<readonly MailboxChange[]>
  /** Called when there is something to take, once until it is taken. One listener: the session. */
  onChange(listener: () => void): void
  /** The mailbox is not selected any more. */
  release(): void
}

export interface FetchRequest extends Omit<FetchCommand, 'verb'> {
  /** Changes of flags are told with their mod-sequence (RFC 7162 §3.1), so what this one sets is left to `takeChanges`. */
  readonly tellsModSeq?: boolean
}

export interface SelectedFacts {
  readonly access: 'read-write' | 'read-only'
  readonly exists: number
  /** Messages with \Recent. */
  readonly recent: number
  readonly uidValidity: number
  readonly uidNext: number
  readonly highestModSeq: number
  /** The number of the first message that is not \Seen. */
  readonly firstUnseen: number | undefined
  readonly flags: readonly string[]
  /** With \* where new keywords are kept. */
  readonly permanentFlags: readonly string[]
  readonly mailboxId: string
}

export interface FetchedMessage {
  readonly sequence: number
  readonly uid: number
  readonly items: readonly FetchItem[]
}

/** So many as are worth one write: their texts go out together. */
export type MessageBatch = readonly FetchedMessage[]

export interface Stored {
  /** UNCHANGEDSINCE did not let these change (RFC 7162 §3.1.3), by the numbers of the command. */
  readonly modified: readonly NumberRange[]
}

/** Of what is found, in its order. */
export interface SavedPart {
  readonly min: boolean
  readonly max: boolean
  readonly page: Page | undefined
}

export interface SearchRequest {
  readonly by: NamedBy
  readonly key: SearchKey
  /** What `$` is from now on (RFC 5182 §2.4); undefined: what it was. A search that is refused leaves nothing in it. */
  readonly saves: 'all' | SavedPart | undefined
}

export interface Found {
  /** UIDs or numbers, as asked: ascending from `search`, in their order from `sort`. */
  readonly numbers: readonly number[]
  /** Of each, in the same order; none where the key names no mod-sequence. */
  readonly modSeqs: readonly number[]
}

export interface Copied {
  readonly uidValidity: number
  readonly from: readonly NumberRange[]
  readonly to: readonly NumberRange[]
}

export type MailboxChange =
  /** Numbers of messages: each counts after those before it have gone. */
  | {
      readonly kind: 'expunged'
      readonly sequences: readonly number[]
      readonly uids: readonly NumberRange[]
    }
  /** `recent`: with \\Recent; undefined: no more than before. `arrived`: the UIDs of those that have come from elsewhere. */
  | {
      readonly kind: 'exists'
      readonly count: number
      readonly recent?: number | undefined
      readonly arrived?: readonly NumberRange[]
    }
  /**
   * Keywords that are new in the mailbox, with all others: before a message that has them. Or what may be set has become something
   * else (RFC 4314 §5.1.1).
   */
  | { readonly kind: 'known-flags'; readonly flags: readonly string[]; readonly permanent: readonly string[] }
  /** What this session has changed itself and without a word (.SILENT): whoever knows mod-sequences needs the new one. */
  | { readonly kind: 'mod-seq'; readonly sequence: number; readonly uid: number; readonly modSeq: number }
  | {
      readonly kind: 'flags'
      readonly sequence: number
      readonly uid: number
      readonly flags: readonly string[]
      readonly modSeq: number
    }

export function isRefusal(value: object | undefined): value is Refusal {
  return value !== undefined && 'refused' in value
}
