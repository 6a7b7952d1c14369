// A search key as something that is asked of messages (RFC 9051 §6.4.4).
import type { SearchKey } from '../imap/grammar/commands/search.ts'
import { type NumberRange, resolveRanges } from '../imap/grammar/sequence-set.ts'
import type { MessageNumbers } from '../mailbox/message-numbers.ts'
import { parseEnvelopeAddresses } from '../message/structure/envelope-addresses.ts'
import { foldText, SoughtText } from '../message/words/sought-text.ts'
import { formatQueueId } from '../queue/queue-id.ts'
import type { MaybePromise } from '../runtime/maybe-promise.ts'
import type { KnownKeys, KnownUids, TextKey } from './find-in-index.ts'
import { type FlagStates, readFlagNames } from './flag-names.ts'
import type { RecentMessages } from './recent-messages.ts'
import type { SearchedMessage } from './searched-message.ts'

export interface KeyTerms {
  readonly numbers: MessageNumbers
  readonly saved: readonly NumberRange[]
  readonly recent: Pick<RecentMessages, 'has'>
  readonly states: FlagStates
  readonly now: number
  /** What is known of texts without reading: of keys that are not in it, nothing. */
  readonly known: KnownKeys
}

export interface Matcher {
  /** What it takes to know. 0: its UID and its flags, and `mayMatch` is the answer; 1: its row; 2: its header section; 3: all of it. */
  readonly cost: 0 | 1 | 2 | 3
  /** False: it does not match. By what is known without a look at the message. */
  mayMatch(uid: number): boolean
  matches(message: SearchedMessage): MaybePromise<boolean>
}

const anyUid = (): boolean => true
/** Nothing is known before it is looked at. */
const ofMessage = (cost: Matcher['cost'], matches: Matcher['matches']): Matcher => ({
  cost,
  mayMatch: anyUid,
  matches,
})
const ofRow = (matches: (message: SearchedMessage) => boolean): Matcher => ofMessage(1, matches)

const ofUid = (matches: (uid: number) => boolean): Matcher => ({
  cost: 0,
  mayMatch: matches,
  matches: ({ row }) => matches(row.uid),
})

export function compileKey(key: SearchKey, terms: KeyTerms): Matcher {
  switch (key.kind) {
    case 'all':
    case 'save-date-supported':
      return ofUid(anyUid)
    case 'recent':
      return ofUid(uid => terms.recent.has(uid))
    case 'thread-id':
      return ofUid(() => false)
    case 'and':
      return both(key.keys.map(one => compileKey(one, terms)))
    case 'or':
      return either(compileKey(key.left, terms), compileKey(key.right, terms))
    case 'not':
      return negate(compileKey(key.key, terms))
    case 'flag':
      return compileFlag(key.flag, terms)
    case 'header':
    case 'body':
    case 'text':
      return withKnown(compileText(key), terms.known.get(key))
    case 'date':
      return compileDate(key)
    case 'age': {
      const edge = terms.now - key.seconds * 1000
      return ofRow(({ row }) => (key.relation === 'older' ? row.receivedAt <= edge : row.receivedAt >= edge))
    }
    case 'size':
      return ofRow(({ row }) => (key.relation === 'larger' ? row.size > key.bytes : row.size < key.bytes))
    case 'messages':
      return compileMessages(key, terms)
    case 'mod-seq':
      return ofRow(({ row }) => row.modSeq >= key.modSeq)
    case 'email-id':
      return ofRow(({ row }) => `E${formatQueueId(row.mailDataId)}` === key.id)
    default:
      return key satisfies never
  }
}

/** The cheap ones first: what they decide is not read. */
function both(matchers: readonly Matcher[]): Matcher {
  const inOrder = matchers.toSorted((a, b) => a.cost - b.cost)
  return {
    cost: dearest(matchers),
    mayMatch: uid => matchers.every(matcher => matcher.mayMatch(uid)),
    async matches(message) {
      for (const matcher of inOrder) if (!(await matcher.matches(message))) return false
      return true
    },
  }
}

function either(left: Matcher, right: Matcher): Matcher {
  const [first, second] = left.cost <= right.cost ? [left, right] : [right, left]
  return {
    cost: dearest([left, right]),
    mayMatch: uid => left.mayMatch(uid) || right.mayMatch(uid),
    matches: async message => (await first.matches(message)) || (await second.matches(message)),
  }
}

function negate(matcher: Matcher): Matcher {
  if (matcher.cost === 0) return ofUid(uid => !matcher.mayMatch(uid))
  // What may match may fail to, too.
  return ofMessage(matcher.cost, async message => !(await matcher.matches(message)))
}

function dearest(matchers: readonly Matcher[]): Matcher['cost'] {
  return matchers.reduce<Matcher['cost']>((cost, matcher) => (matcher.cost > cost ? matcher.cost : cost), 0)
}

function compileFlag(name: string, { states }: KeyTerms): Matcher {
  const { flags, keywords } = readFlagNames([name])
  const [keyword] = keywords.map(word => word.toLowerCase())
  if (keyword === undefined) return ofUid(uid => ((states.of(uid)?.flags ?? 0) & flags) !== 0)
  return {
    cost: 1,
    mayMatch: uid => states.of(uid)?.hasKeywords === true,
    matches: ({ row }) => row.keywords.some(word => word.toLowerCase() === keyword),
  }
}

/** Where an address may be written with blanks and comments in it. */
const ofAddresses: ReadonlySet<string> = new Set(['from', 'to', 'cc', 'bcc', 'sender', 'reply-to'])

function bareAddresses(value: string): string {
  return parseEnvelopeAddresses(value)
    .map(address => ('group' in address ? '' : `${address.localPart}@${address.domain}`))
    .join(' ')
}

function compileText({ text, ...key }: TextKey): Matcher {
  const sought = new SoughtText(text)
  if (key.kind === 'header')
    return ofMessage(2, async message => {
      const fields = await message.fields()
      return fields.some(
        ({ name, value }) =>
          name === key.field &&
          (sought.isIn(value) || (ofAddresses.has(name) && sought.isIn(bareAddresses(value)))),
      )
    })
  return ofMessage(3, async message => {
    // With the body come the fields.
    if (sought.isIn(await message.body())) return true
    const fields = key.kind === 'text' ? await message.fields() : []
    return fields.some(({ name, value }) => sought.isIn(`${name}: ${value}`))
  })
}

/** What is known is not read. */
function withKnown(matcher: Matcher, known: KnownUids | undefined): Matcher {
  if (!known) return matcher
  const { sure, maybe } = known
  if (maybe.isEmpty) return ofUid(uid => sure.has(uid))
  return {
    cost: matcher.cost,
    mayMatch: uid => sure.has(uid) || maybe.has(uid),
    matches: message => {
      const { uid } = message.row
      return sure.has(uid) || (maybe.has(uid) && matcher.matches(message))
    },
  }
}

const dayMs = 24 * 3_600_000

function compileDate({ of, relation, day }: Extract<SearchKey, { kind: 'date' }>): Matcher {
  const holds = (at: number): boolean => {
    const its = Math.floor(at / dayMs) * dayMs
    if (relation === 'on') return its === day
    return relation === 'before' ? its < day : its >= day
  }
  if (of === 'internal') return ofRow(({ row }) => holds(row.receivedAt))
  if (of === 'saved') return ofRow(({ row }) => holds(row.savedAt))
  return ofMessage(2, async message => {
    const date = await message.field('date')
    const written = date === undefined ? undefined : writtenDay(foldText(date))
    // Without a Date field, or with one that nobody can read: when it came.
    return holds(written ?? message.row.receivedAt)
  })
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** The day as it is written, whatever the zone (§6.4.4: disregarding time and timezone). */
function writtenDay(date: string): number | undefined {
  const [, day, month, year] = /(?:^|[\s,])(\d{1,2})\s+([a-z]{3})[a-z]*\s+(\d{2,4})(?!\d)/.exec(date) ?? []
  const index = months.indexOf(month ?? '')
  if (day === undefined || year === undefined || index < 0) return undefined
  // RFC 5322 §4.3
  const full =
    year.length === 4 ? Number(year) : Number(year) + (year.length === 2 && Number(year) < 50 ? 2000 : 1900)
  return Date.UTC(full, index, Number(day))
}

function compileMessages(
  { by, set }: Extract<SearchKey, { kind: 'messages' }>,
  { numbers, saved }: KeyTerms,
): Matcher {
  const isUid = by === 'uid' || set.kind === 'saved'
  const ranges =
    set.kind === 'saved' ? saved : resolveRanges(set.ranges, by === 'uid' ? numbers.lastUid : numbers.count)
  const mayMatch = (uid: number): boolean => {
    const number = isUid ? uid : (numbers.numberOf(uid) ?? 0)
    return isIn(ranges, number)
  }
  return ofUid(mayMatch)
}

/** Of ranges that ascend: a set may have thousands, and is asked of each message. */
function isIn(ranges: readonly NumberRange[], number: number): boolean {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ranges[middle]?.last ?? number) < number) low = middle + 1
    else high = middle
  }
  const found = ranges[low]
  return found !== undefined && found.first <= number
}
