// FETCH: what is asked for of each message, in batches (RFC 9051 §6.4.5). Neither the storage nor a client that reads as fast as it is
// written to leaves a turn of the event loop: other sessions get theirs between two batches.
import { setImmediate as turn } from 'node:timers/promises'
import type { FetchAttribute } from '../imap/grammar/commands/fetch.ts'
import { takePage } from '../imap/grammar/page.ts'
import type { Partial, Section } from '../imap/grammar/section.ts'
import type { FetchItem } from '../imap/responses/fetch.ts'
import type { Octets } from '../imap/responses/octets.ts'
import type { FetchedMessage, FetchRequest, MessageBatch } from '../imap/server/mailbox-services.ts'
import type { OpenMailbox } from '../mailbox/mailbox-row.ts'
import type { MessageNumbers } from '../mailbox/message-numbers.ts'
import type { MailboxMessage, MessageFlags } from '../mailbox/message-row.ts'
import { readKeywords, readMailboxState, readMessages } from '../mailbox/read-mailbox.ts'
import { type PlainEnvelope, readEnvelopedMessages, readStructuredMessages } from '../mailbox/structures.ts'
import { intersectRanges, rangesOf, type UidRange, uniteRanges } from '../mailbox/uid-ranges.ts'
import { StructureReader } from '../message/structure/read-structure.ts'
import type { Extent, MessageStructure } from '../message/structure/structure.ts'
import { formatQueueId } from '../queue/queue-id.ts'
import type { MaybePromise } from '../runtime/maybe-promise.ts'
import { isDamage, StorageFault } from '../storage/storage-fault.ts'
import { changePages } from './change-pages.ts'
import { decodedSize, decodePart, isDecodable } from './decode-part.ts'
import { findDecodable, findSection } from './find-section.ts'
import { FlagStates } from './flag-names.ts'
import { MessageText, replaceNul } from './message-text.ts'
import type { AccessParts } from './parts.ts'
import { readPreview } from './preview.ts'
import type { RecentMessages } from './recent-messages.ts'
import { inPieces, spanUids } from './selection.ts'
import { withMissing } from './structures.ts'

export interface Fetching extends Pick<AccessParts, 'storage' | 'mailData'> {
  readonly id: OpenMailbox
  readonly numbers: MessageNumbers
  /** What is asked for, as UIDs. */
  readonly ranges: readonly UidRange[]
  readonly recent: RecentMessages
  /** Sets \Seen; those that did not have it, as they are now. */
  readonly markSeen: (uids: readonly number[]) => Promise<readonly MessageFlags[]>
  /** The client has heard of them what \Seen has changed: not before, for what has been set may not be read then. */
  readonly noteTold: (messages: readonly MessageFlags[]) => void
}

/** Where nothing asks for it. */
const unread = new StructureReader().finish()

/** Of flags alone: they come from memory. */
const flagsOfBatch = 2000
const messagesOfBatch = 100

export async function* fetchMessages(
  fetching: Fetching,
  request: FetchRequest,
): AsyncGenerator<MessageBatch> {
  const uids = pageOf(await sinceChange(fetching, request), request.page)
  if (request.attributes.every(({ kind }) => kind === 'FLAGS' || kind === 'UID')) {
    yield* fetchFlags(fetching, request, uids)
    return
  }
  const seen = request.attributes.some(setsSeen)
  const asksFlags = request.attributes.some(({ kind }) => kind === 'FLAGS')
  const needsTexts = request.attributes.some(needsText)
  const damaged = new Set<number>()
  for (const piece of inPieces(uids, messagesOfBatch)) {
    const marked = new Map(
      (seen ? await fetching.markSeen(piece) : []).map(message => [message.uid, message]),
    )
    const { messages, structures } = await readAll(fetching, piece, request)
    for (const group of needsTexts ? thatFit(messages) : [messages]) {
      const batch: FetchedMessage[] = []
      const told: MessageFlags[] = []
      const read = needsTexts ? await readTexts(fetching, group, damaged) : undefined
      for (const message of group) {
        const sequence = fetching.numbers.numberOf(message.uid)
        if (sequence === undefined) continue
        const { mailDataId } = message
        const structure = structures?.get(mailDataId)
        if (structures && !structure) damaged.add(mailDataId)
        if (damaged.has(mailDataId)) continue
        const text = new MessageText(fetching.mailData, message, read?.get(mailDataId))
        const items = await unlessDamaged(() => describeMessage(fetching, request, message, text, structure))
        if (!items) {
          damaged.add(mailDataId)
          continue
        }
        const changed = marked.get(message.uid)
        if (changed && (asksFlags || !request.tellsModSeq)) {
          if (!asksFlags) items.push({ kind: 'FLAGS', flags: fetching.recent.flagNames(changed) })
          told.push(changed)
        }
        batch.push({ sequence, uid: message.uid, items })
      }
      yield batch
      fetching.noteTold(told)
      await turn()
    }
  }
  // The others have been told: whoever asks for many gets them, and hears that some are missing.
  if (damaged.size > 0) throw damageOf(damaged)
}

async function unlessDamaged<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read()
  } catch (cause) {
    if (isDamage(cause)) return undefined
    throw cause
  }
}

function damageOf(mailDataIds: ReadonlySet<number>): StorageFault {
  const what = `Mail data ${[...mailDataIds].join(', ')} cannot be read.`
  return new StorageFault('STORAGE_DAMAGED', what, { remedy: "'postrider verify' says what is damaged." })
}

/** CHANGEDSINCE (RFC 7162 §3.1.4.1). */
async function sinceChange(
  { storage, id, numbers, ranges }: Fetching,
  { changedSince }: FetchRequest,
): Promise<Iterable<number>> {
  if (changedSince === undefined) return numbers.uidsIn(ranges)
  // What changes while further pages are read is in two of them.
  const changed = new Set<number>()
  for await (const page of changePages(storage, id, changedSince))
    for (const { uid } of page?.changed ?? []) changed.add(uid)
  const inOrder = [...changed].sort((a, b) => a - b)
  return numbers.uidsIn(intersectRanges(rangesOf(inOrder), uniteRanges(ranges)))
}

/** PARTIAL (RFC 9394 §3.1). */
function pageOf<Value>(all: Iterable<Value>, page: FetchRequest['page']): Iterable<Value> {
  return page ? takePage([...all], page) : all
}

async function* fetchFlags(
  { storage, id, numbers, recent }: Fetching,
  { attributes }: FetchRequest,
  uids: Iterable<number>,
): AsyncGenerator<MessageBatch> {
  const state = await storage.run(readMailboxState, id)
  const states = new FlagStates(state?.blocks ?? [])
  for (const piece of inPieces(uids, flagsOfBatch)) {
    const keywords = piece.some(uid => states.of(uid)?.hasKeywords === true)
      ? await keywordsOf(storage, id, piece)
      : undefined
    const batch: FetchedMessage[] = []
    for (const uid of piece) {
      const sequence = numbers.numberOf(uid)
      const found = states.of(uid)
      if (sequence === undefined || !found) continue
      const words = found.hasKeywords ? (keywords?.get(uid) ?? []) : []
      const flags = recent.flagNames({ uid, flags: found.flags, keywords: words })
      const items = attributes.map(
        ({ kind }): FetchItem => (kind === 'UID' ? { kind, value: uid } : { kind: 'FLAGS', flags }),
      )
      batch.push({ sequence, uid, items })
    }
    yield batch
    await turn()
  }
}

async function keywordsOf(
  storage: AccessParts['storage'],
  id: OpenMailbox,
  uids: readonly number[],
): Promise<ReadonlyMap<number, readonly string[]>> {
  const range = { first: uids[0] ?? 0, last: uids.at(-1) ?? 0 }
  const messages = await storage.run(readKeywords, { ...id, range, limit: flagsOfBatch })
  return new Map(messages.map(({ uid, keywords }) => [uid, keywords]))
}

interface ReadBatch {
  readonly messages: readonly MailboxMessage[]
  /** undefined: nothing asks for them. */
  readonly structures: ReadonlyMap<number, KeptParts> | undefined
}

/** What is kept of a message: where nothing but envelopes is asked for, they may be all of it. */
type KeptParts = MessageStructure | PlainEnvelope

async function readAll(
  fetching: Fetching,
  uids: readonly number[],
  { attributes }: FetchRequest,
): Promise<ReadBatch> {
  const { storage, id, numbers } = fetching
  const messages: MailboxMessage[] = []
  const needing = attributes.filter(needsStructure)
  const read = async (range: UidRange): Promise<ReadBatch> => {
    const wanted = { ...id, range, limit: messagesOfBatch }
    if (needing.length === 0)
      return { messages: await storage.run(readMessages, wanted), structures: undefined }
    if (needing.some(({ kind }) => kind !== 'ENVELOPE'))
      return await storage.run(readStructuredMessages, wanted)
    const { messages, envelopes } = await storage.run(readEnvelopedMessages, wanted)
    return { messages, structures: envelopes }
  }
  const kept = needing.length > 0 ? new Map<number, KeptParts>() : undefined
  for (const range of spanUids(numbers, uids)) {
    const found = await read(range)
    messages.push(...found.messages)
    for (const [mailDataId, parts] of found.structures ?? []) kept?.set(mailDataId, parts)
  }
  return { messages, structures: kept && (await withMissing(fetching, messages, kept)) }
}

/** Of one batch in memory at most. */
const readAtOnceBytes = 1024 * 1024

/** As many in a row as fit; one that alone does not fit stands alone. */
function* thatFit(messages: readonly MailboxMessage[]): Generator<readonly MailboxMessage[]> {
  let group: MailboxMessage[] = []
  let bytes = 0
  for (const message of messages) {
    if (group.length > 0 && bytes + message.size > readAtOnceBytes) {
      yield group
      group = []
      bytes = 0
    }
    group.push(message)
    bytes += message.size
  }
  if (group.length > 0) yield group
}

/**
 * The mail data of those whose is small, by its id, in one question. What cannot be read is added to `damaged` before anything is
 * told of it: in the middle of a literal nothing else could be said than the end of the connection.
 */
async function readTexts(
  { mailData }: Fetching,
  messages: readonly MailboxMessage[],
  damaged: Set<number>,
): Promise<ReadonlyMap<number, Uint8Array>> {
  const ids = new Set(messages.map(({ mailDataId }) => mailDataId))
  const found = await unlessDamaged(() => mailData.readSmall([...ids]))
  const texts = new Map(found)
  for (const id of ids) {
    if (texts.has(id)) continue
    const isReadable = await unlessDamaged(async () => {
      const text = found ? undefined : (await mailData.readSmall([id])).get(id)
      if (text) texts.set(id, text)
      else await mailData.assertThere(id)
      return true
    })
    if (!isReadable) damaged.add(id)
  }
  return texts
}

function needsText({ kind }: FetchAttribute): boolean {
  return [
    'BODY[]',
    'RFC822',
    'RFC822.HEADER',
    'RFC822.TEXT',
    'BINARY[]',
    'BINARY.SIZE[]',
    'PREVIEW',
  ].includes(kind)
}

/** The whole message, and what its row says, need no look into it. */
function needsStructure(attribute: FetchAttribute): boolean {
  switch (attribute.kind) {
    case 'ENVELOPE':
    case 'BODY':
    case 'BODYSTRUCTURE':
    case 'RFC822.HEADER':
    case 'RFC822.TEXT':
    case 'BINARY[]':
    case 'BINARY.SIZE[]':
    case 'PREVIEW':
      return true
    case 'BODY[]':
      return !isWhole(attribute.section)
    default:
      return false
  }
}

function isWhole({ part, text }: Section): boolean {
  return part.length === 0 && text.kind === 'all'
}

function setsSeen(attribute: FetchAttribute): boolean {
  if (attribute.kind === 'BODY[]' || attribute.kind === 'BINARY[]') return !attribute.peek
  return attribute.kind === 'RFC822' || attribute.kind === 'RFC822.TEXT'
}

async function describeMessage(
  { recent }: Fetching,
  { attributes }: FetchRequest,
  message: MailboxMessage,
  text: MessageText,
  kept: KeptParts = unread,
): Promise<FetchItem[]> {
  const { structure, plainEnvelope } =
    'plainEnvelope' in kept ? { structure: unread, ...kept } : { structure: kept, plainEnvelope: undefined }
  const items: FetchItem[] = []
  for (const attribute of attributes) {
    const item = describe(attribute, { message, text, structure, plainEnvelope, recent })
    items.push(item instanceof Promise ? await item : item)
  }
  return items
}

interface Described {
  readonly message: MailboxMessage
  readonly text: MessageText
  readonly structure: MessageStructure
  readonly plainEnvelope: string | undefined
  readonly recent: RecentMessages
}

function describe(
  attribute: FetchAttribute,
  { message, text, structure, plainEnvelope, recent }: Described,
): MaybePromise<FetchItem> {
  const { kind } = attribute
  switch (kind) {
    case 'FLAGS':
      return { kind, flags: recent.flagNames(message) }
    case 'UID':
      return { kind, value: message.uid }
    case 'MODSEQ':
      return { kind, value: message.modSeq }
    case 'RFC822.SIZE':
      return { kind, value: message.size }
    case 'INTERNALDATE':
      return { kind, at: message.receivedAt }
    case 'SAVEDATE':
      return { kind, at: message.savedAt }
    case 'EMAILID':
      // Copies of a message are one (RFC 8474 §5.1): they share its mail data.
      return { kind, id: `E${formatQueueId(message.mailDataId)}` }
    case 'THREADID':
      return { kind, id: null }
    case 'ENVELOPE':
      return { kind, envelope: plainEnvelope ?? structure.envelope }
    case 'BODY':
    case 'BODYSTRUCTURE':
      return { kind, structure: structure.root }
    case 'RFC822':
      return { kind, octets: text.withoutNul(text.whole) }
    case 'RFC822.HEADER':
      return { kind, octets: text.withoutNul(text.withTrace(structure.root.header)) }
    case 'RFC822.TEXT':
      return { kind, octets: text.withoutNul(structure.root.body) }
    case 'BODY[]':
      return describeSection(attribute, text, structure)
    case 'BINARY[]':
    case 'BINARY.SIZE[]':
      return describeBinary(attribute, text, structure)
    case 'PREVIEW':
      // RFC 8970 §3.2: LAZY takes what costs nothing, and this is read.
      return attribute.lazy
        ? { kind, text: null }
        : readPreview(structure.root, text).then(preview => ({ kind, text: preview }))
    default:
      return kind satisfies never
  }
}

function describeSection(
  attribute: Extract<FetchAttribute, { kind: 'BODY[]' }>,
  text: MessageText,
  structure: MessageStructure,
): MaybePromise<FetchItem> {
  const { kind, section, partial } = attribute
  const told = (octets: Octets | null): FetchItem => ({ kind, section, partial, octets })
  if (isWhole(section)) return told(text.withoutNul(partOf(text.whole, partial)))
  return readSection(attribute, text, structure).then(told)
}

async function readSection(
  { section, partial }: Extract<FetchAttribute, { kind: 'BODY[]' }>,
  text: MessageText,
  structure: MessageStructure,
): Promise<Octets | null> {
  const found = await findSection(section, structure, text)
  if (!found) return null
  if (!Buffer.isBuffer(found)) return text.withoutNul(partOf(found, partial))
  const bytes = partial ? found.subarray(partial.offset, partial.offset + partial.length) : found
  return { size: bytes.length, content: replaceNul(bytes) }
}

/** §6.4.5: what is behind the end is empty. */
function partOf({ start, end }: Extent, partial: Partial | undefined): Extent {
  if (!partial) return { start, end }
  const from = Math.min(start + partial.offset, end)
  return { start: from, end: Math.min(from + partial.length, end) }
}

async function describeBinary(
  attribute: Extract<FetchAttribute, { kind: 'BINARY[]' | 'BINARY.SIZE[]' }>,
  text: MessageText,
  { root }: MessageStructure,
): Promise<FetchItem> {
  const { kind, part: path } = attribute
  const decodable = findDecodable(root, path, text)
  const isUndecodable = decodable && !isDecodable(decodable.part)
  const found = isUndecodable ? undefined : decodable
  if (kind === 'BINARY.SIZE[]')
    return { kind, part: path, size: found ? await decodedSize(found, text) : 0, isUndecodable }
  const { partial } = attribute
  return {
    kind,
    part: path,
    partial,
    octets: found ? await decodePart(found, text, partial) : null,
    isUndecodable,
  }
}
