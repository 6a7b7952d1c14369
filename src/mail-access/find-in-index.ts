// What the index of words knows about the texts of a search key (docs/adr/0035): which messages have them, and which may.
import { setImmediate as turn } from 'node:timers/promises'
import type { SearchKey } from '../imap/grammar/commands/search.ts'
import type { OpenMailbox } from '../mailbox/mailbox-row.ts'
import { findUnindexed, findWords, type WordsFound } from '../mailbox/message-words.ts'
import {
  askField,
  bothOf,
  SoughtText,
  type WordQuery,
  type WordSearch,
} from '../message/words/sought-text.ts'
import { placeOfField } from '../message/words/terms.ts'
import type { Storage } from '../storage/operation.ts'
import { UidSet } from './uid-set.ts'

/** A key that looks for a text. */
export type TextKey = Extract<SearchKey, { kind: 'text' | 'body' | 'header' }>

export interface KnownUids {
  /** They have it. */
  readonly sure: UidSet
  /** They may, which shows when they are read. */
  readonly maybe: UidSet
}

/** Of those keys that the index can tell something about. */
export type KnownKeys = ReadonlyMap<SearchKey, KnownUids>

interface Asked {
  readonly key: TextKey
  readonly search: WordSearch
}

/** Of one look into the storage, which other sessions wait for. */
const idsAtATime = 2000

export async function findInIndex(
  storage: Pick<Storage, 'run'>,
  id: OpenMailbox,
  key: SearchKey,
): Promise<KnownKeys> {
  const asked: Asked[] = []
  for (const one of textKeysOf(key)) {
    const search = askFor(one)
    if (search) asked.push({ key: one, search })
  }
  const known = new Map<SearchKey, KnownUids>()
  if (asked.length === 0) return known
  // Before the index: what is indexed in between is found in both.
  const unindexed = await collect(new UidSet(), after =>
    storage.run(findUnindexed, { ...id, after, limit: idsAtATime }),
  )
  for (const { key: one, search } of asked) {
    const find = (query: WordQuery, into: UidSet): Promise<UidSet> =>
      collect(into, after => storage.run(findWords, { ...id, query, after, limit: idsAtATime }))
    const { sure, candidates } = search
    known.set(one, {
      sure: sure ? await find(sure, new UidSet()) : new UidSet(),
      maybe: sure === candidates ? unindexed : await find(candidates, unindexed.copy()),
    })
  }
  return known
}

async function collect(
  uids: UidSet,
  page: (after: number | undefined) => Promise<WordsFound>,
): Promise<UidSet> {
  let after: number | undefined
  do {
    const found = await page(after)
    for (const uid of found.uids) uids.add(uid)
    after = found.next
    // The storage answers without a turn of the event loop: other sessions get theirs here.
    await turn()
  } while (after !== undefined)
  return uids
}

export function* textKeysOf(key: SearchKey): Generator<TextKey> {
  switch (key.kind) {
    case 'text':
    case 'body':
    case 'header':
      yield key
      break
    case 'and':
      for (const one of key.keys) yield* textKeysOf(one)
      break
    case 'or':
      yield* textKeysOf(key.left)
      yield* textKeysOf(key.right)
      break
    case 'not':
      yield* textKeysOf(key.key)
      break
    default:
  }
}

/** undefined: it cannot tell. */
function askFor(key: TextKey): WordSearch | undefined {
  const sought = new SoughtText(key.text)
  if (key.kind !== 'header') return sought.ask(key.kind === 'body' ? ['b'] : ['b', 'h'])
  const { field } = key
  const place = placeOfField(field)
  if (place !== undefined && sought.folded !== '') return sought.ask([place])
  if (!writtenBySender.has(field)) return undefined
  const there = askField(field)
  if (sought.folded === '') return { sure: there, candidates: there }
  const words = sought.ask(['h'])?.candidates
  return { sure: undefined, candidates: words ? bothOf(there, words) : there }
}

/** Any other may be one that was put above the mail data, of each delivery its own, and is not in the index. */
const writtenBySender: ReadonlySet<string> = new Set([
  'bcc', 'cc', 'comments', 'from', 'in-reply-to', 'keywords', 'list-id', 'list-post', 'list-unsubscribe', 'message-id',
  'organization', 'references', 'reply-to', 'sender', 'subject', 'to', 'user-agent', 'x-mailer',
]) // biome-ignore format: a list of names
