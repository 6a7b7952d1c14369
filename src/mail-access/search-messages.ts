// SEARCH: which messages fit a key (RFC 9051 §6.4.4). What is cheap is looked at first, and a message is only read where that has
// not decided it.
import { setImmediate as turn } from 'node:timers/promises'
import type { SearchKey } from '../imap/grammar/commands/search.ts'
import type { NamedBy, NumberRange } from '../imap/grammar/sequence-set.ts'
import { codes } from '../imap/responses/codes.ts'
import type { Found, Refusal } from '../imap/server/mailbox-services.ts'
import type { OpenMailbox } from '../mailbox/mailbox-row.ts'
import type { MessageNumbers } from '../mailbox/message-numbers.ts'
import { readMailboxState, readMessages } from '../mailbox/read-mailbox.ts'
import { readStructuredMessages, type StructuredMessages } from '../mailbox/structures.ts'
import { compileKey, type Matcher } from './compile-key.ts'
import { findInIndex } from './find-in-index.ts'
import { FlagStates } from './flag-names.ts'
import { MessageText } from './message-text.ts'
import type { AccessParts } from './parts.ts'
import type { RecentMessages } from './recent-messages.ts'
import { SearchedMessage } from './searched-message.ts'
import { spanUids } from './selection.ts'

export interface Searching extends Pick<AccessParts, 'storage' | 'mailData' | 'clock'> {
  readonly id: OpenMailbox
  readonly numbers: MessageNumbers
  /** `$` */
  readonly saved: readonly NumberRange[]
  readonly recent: RecentMessages
}

const messagesOfPiece = 500
/** Of those with envelopes, some of which may be large. */
const envelopesOfPiece = 100
/** UIDs that are looked at one after another: a key may have as many parts as a command has room for. */
const uidsOfTurn = 1000
/** Messages that are read one after another. */
const readsOfTurn = 8
/** Of so many messages that may fit the index of words is not asked. */
const readAtMost = 500

export function tooManyFound(most: number): Refusal {
  return { refused: `That is more than ${most} messages; search for fewer of them`, code: codes.limit }
}

export async function searchMessages(searching: Searching, key: SearchKey, by: NamedBy): Promise<Found> {
  const { numbers } = searching
  const matcher = await compileFor(searching, key)
  const named = (uid: number): number => (by === 'uid' ? uid : (numbers.numberOf(uid) ?? 0))
  const found: number[] = []
  if (matcher.cost === 0) {
    for await (const uids of candidates(numbers, matcher)) for (const uid of uids) found.push(named(uid))
    return { numbers: found, modSeqs: [] }
  }
  const modSeqs: number[] = []
  for await (const { row } of findMessages(searching, matcher, asksWhenSent(key) ? 'envelopes' : 'rows')) {
    found.push(named(row.uid))
    modSeqs.push(row.modSeq)
  }
  return { numbers: found, modSeqs }
}

function asksWhenSent(key: SearchKey): boolean {
  if (key.kind === 'and') return key.keys.some(asksWhenSent)
  if (key.kind === 'or') return asksWhenSent(key.left) || asksWhenSent(key.right)
  if (key.kind === 'not') return asksWhenSent(key.key)
  return key.kind === 'date' && key.of === 'sent'
}

export async function compileFor(
  { storage, id, numbers, saved, recent, clock }: Searching,
  key: SearchKey,
): Promise<Matcher> {
  const state = await storage.run(readMailboxState, id)
  const terms = { numbers, saved, recent, states: new FlagStates(state?.blocks ?? []), now: clock.now() }
  const matcher = compileKey(key, { ...terms, known: new Map() })
  // A few are read: so parts of words are found too, and that takes no longer.
  if (matcher.cost < 2 || (await hasAtMost(candidates(numbers, matcher), readAtMost))) return matcher
  return compileKey(key, { ...terms, known: await findInIndex(storage, id, key) })
}

async function hasAtMost(pieces: AsyncIterable<readonly unknown[]>, most: number): Promise<boolean> {
  let count = 0
  for await (const { length } of pieces) {
    count += length
    if (count > most) return false
  }
  return true
}

/** Ascending. */
export async function* findMessages(
  { storage, mailData, id, numbers }: Searching,
  matcher: Matcher,
  wants: 'envelopes' | 'rows' = 'rows',
): AsyncGenerator<SearchedMessage> {
  const read = async (range: NumberRange): Promise<StructuredMessages> => {
    const wanted = { ...id, range, limit: messagesOfPiece }
    if (wants === 'envelopes') return await storage.run(readStructuredMessages, wanted)
    return { messages: await storage.run(readMessages, wanted), structures: new Map() }
  }
  let count = 0
  const size = wants === 'envelopes' ? envelopesOfPiece : messagesOfPiece
  for await (const uids of candidates(numbers, matcher, size)) {
    for (const range of spanUids(numbers, uids)) {
      const { messages, structures } = await read(range)
      for (const row of messages) {
        const { envelope } = structures.get(row.mailDataId) ?? {}
        const message = new SearchedMessage(row, new MessageText(mailData, row), envelope)
        if (await matcher.matches(message)) yield message
        if (message.isRead && ++count % readsOfTurn === 0) await turn()
      }
    }
    // The storage answers without a turn of the event loop: other sessions get theirs here.
    await turn()
  }
}

/** In pieces of at most `size`; other sessions get their turn, also where none is found. */
async function* candidates(
  numbers: MessageNumbers,
  matcher: Matcher,
  size = messagesOfPiece,
): AsyncGenerator<readonly number[]> {
  let piece: number[] = []
  let looked = 0
  for (const uid of numbers.uidsIn([{ first: 1, last: Number.MAX_SAFE_INTEGER }])) {
    if (matcher.mayMatch(uid)) piece.push(uid)
    if (piece.length === size) {
      yield piece
      piece = []
    }
    if (++looked % uidsOfTurn === 0) await turn()
  }
  if (piece.length > 0) yield piece
}
