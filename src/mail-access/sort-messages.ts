// SORT (RFC 5256 §3, RFC 5957): messages that fit a key, in the order that is asked for.
import type { SearchKey } from '../imap/grammar/commands/search.ts'
import type { SortCriterion } from '../imap/grammar/commands/sort.ts'
import type { NamedBy } from '../imap/grammar/sequence-set.ts'
import type { Found, Refusal } from '../imap/server/mailbox-services.ts'
import { decodeEncodedWords } from '../message/encoded-words.ts'
import { readBaseSubject } from '../message/structure/base-subject.ts'
import type { EnvelopeAddress } from '../message/structure/structure.ts'
import { sortInTurns } from './in-turns.ts'
import { compileFor, findMessages, type Searching, tooManyFound } from './search-messages.ts'
import { collate, readDate, type SearchedMessage } from './searched-message.ts'

interface Sortable {
  readonly uid: number
  readonly number: number
  readonly modSeq: number
  readonly values: readonly (string | number)[]
}

/** All of them are in memory at once, with so much of each value. */
const maxMessages = 1_000_000
const maxValueLength = 200

export async function sortMessages(
  searching: Searching,
  key: SearchKey,
  criteria: readonly SortCriterion[],
  by: NamedBy,
): Promise<Found | Refusal> {
  const found: Sortable[] = []
  const wants = criteria.some(({ key: one }) => one !== 'ARRIVAL' && one !== 'SIZE') ? 'envelopes' : 'rows'
  for await (const message of findMessages(searching, await compileFor(searching, key), wants)) {
    if (found.length === maxMessages) return tooManyFound(maxMessages)
    const { uid, modSeq } = message.row
    const values: (string | number)[] = []
    for (const criterion of criteria) values.push(await valueOf(message, criterion.key))
    found.push({ uid, number: searching.numbers.numberOf(uid) ?? 0, modSeq, values })
  }
  const sorted = await sortInTurns(found, (a, b) => compare(a, b, criteria))
  return {
    numbers: sorted.map(({ uid, number }) => (by === 'uid' ? uid : number)),
    modSeqs: sorted.map(({ modSeq }) => modSeq),
  }
}

function compare(a: Sortable, b: Sortable, criteria: readonly SortCriterion[]): number {
  for (const [at, { reverse }] of criteria.entries()) {
    const [one = 0, other = 0] = [a.values[at], b.values[at]]
    if (one !== other) return one < other !== reverse ? -1 : 1
  }
  // §3: what is alike stays in the order of the mailbox.
  return a.number - b.number
}

async function valueOf(message: SearchedMessage, key: SortCriterion['key']): Promise<string | number> {
  const { row } = message
  switch (key) {
    case 'ARRIVAL':
      return row.receivedAt
    case 'SIZE':
      return row.size
    case 'DATE':
      return readDate(await message.field('date')) ?? row.receivedAt
    case 'SUBJECT':
      return collateStart(readBaseSubject((await message.field('subject')) ?? '').base)
    case 'CC':
      return firstAddress(await message.addresses('cc'))
    case 'FROM':
      return firstAddress(await message.addresses('from'))
    case 'TO':
      return firstAddress(await message.addresses('to'))
    case 'DISPLAYFROM':
      return firstName(await message.addresses('from'))
    case 'DISPLAYTO':
      return firstName(await message.addresses('to'))
    default:
      return key satisfies never
  }
}

/** §3: the local-part of the first address; as ENVELOPE has it, a group begins with its name. */
function firstAddress([first]: readonly EnvelopeAddress[]): string {
  if (!first) return ''
  return collateStart('group' in first ? decodeEncodedWords(first.group ?? '') : first.localPart)
}

/** RFC 5957 §3 */
function firstName([first]: readonly EnvelopeAddress[]): string {
  if (!first) return ''
  if ('group' in first) return collateStart(decodeEncodedWords(first.group ?? ''))
  return collateStart(decodeEncodedWords(first.name ?? `${first.localPart}@${first.domain}`))
}

/** A copy: a part of a string keeps the whole of it in memory. */
function collateStart(text: string): string {
  return Buffer.from(collate(text.slice(0, maxValueLength))).toString()
}
