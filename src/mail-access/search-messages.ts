// SEARCH: which messages fit a key (RFC 9051 §6.4.4). What is cheap is looked at first, and a message is only read where that has
// not decided it.
import { setImmediate as turn } from 'node:timers/promises'
import type { SearchKey } from '../imap/grammar/commands/search.ts'
import type { NamedBy, NumberRange } from '../imap/grammar/sequence-set.ts'
import type { Found } from '../imap/server/mailbox-services.ts'
import type { OpenMailbox } from '../mailbox/mailbox-row.ts'
import type { MessageNumbers } from '../mailbox/message-numbers.ts'
import { readMailboxState, readMessages } from '../mailbox/read-mailbox.ts'
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
/** UIDs that are looked at one after another: a key may have as many parts as a command has room for. */
const uidsOfTurn = 1000
/** Messages that are read one after another. */
const readsOfTurn = 8
/** Of so many messages that may fit the index of words is not asked. */
const readAtMost = 500

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
  for await (const { row } of findMessages(searching, matcher)) {
    found.push(named(row.uid))
    modSeqs.push(row.modSeq)
  }
  return { numbers: found, modSeqs }
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
): AsyncGenerator<SearchedMessage> {
  let read = 0
  for await (const uids of candidates(numbers, matcher)) {
    for (const range of spanUids(numbers, uids))
      for (const row of await storage.run(readMessages, { ...id, range, limit: messagesOfPiece })) {
        const message = new SearchedMessage(row, new MessageText(mailData, row))
        if (await matcher.matches(message)) yield message
        if (message.isRead && ++read % readsOfTurn === 0) await turn()
      }
    // The storage answers without a turn of the event loop: other sessions get theirs here.
    await turn()
  }
}

/** In pieces of at most `messagesOfPiece`; other sessions get their turn, also where none is found. */
async function* candidates(numbers: MessageNumbers, matcher: Matcher): AsyncGenerator<readonly number[]> {
  let piece: number[] = []
  let looked = 0
  for (const uid of numbers.uidsIn([{ first: 1, last: Number.MAX_SAFE_INTEGER }])) {
    if (matcher.mayMatch(uid)) piece.push(uid)
    if (piece.length === messagesOfPiece) {
      yield piece
      piece = []
    }
    if (++looked % uidsOfTurn === 0) await turn()
  }
  if (piece.length > 0) yield piece
}
