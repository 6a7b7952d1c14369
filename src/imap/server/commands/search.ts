// SEARCH (RFC 9051 §6.4.4), SORT and THREAD (RFC 5256), with the results that the client wants of them.
import type { CommandOf } from '../../grammar/command.ts'
import type { SearchKey, SearchReturnOptions } from '../../grammar/commands/search.ts'
import { takePage } from '../../grammar/page.ts'
import type { NamedBy } from '../../grammar/sequence-set.ts'
import { answers } from '../../responses/answers.ts'
import { formatExtendedSearch, formatSearched } from '../../responses/search.ts'
import { formatThreads } from '../../responses/thread.ts'
import { type Command, usual, withMailbox } from '../command.ts'
import { type Found, isRefusal, type SearchRequest } from '../mailbox-services.ts'
import type { Session } from '../session.ts'
import type { Telling } from '../session-state.ts'

/** RFC 9051 §7.5.1, for all of them. */
const terms = { ...usual, phases: withMailbox, uidVariant: 'also', tellsExpunges: 'by-uid' } as const

export const search: Command<'SEARCH'> = {
  ...terms,
  verb: 'SEARCH',
  async run(session, { by, key, returns }, tag) {
    if (namesUnknown(session, key)) return session.answer(tag, answers.uidRequired)
    const note = namesModSeq(key) ? session.enableModSeq() : ''
    const found = await session.selected.search({ by, key, saves: savesOf(returns) })
    if (isRefusal(found)) return session.decline(tag, found)
    const wanted = returns ?? (session.enabled.has('IMAP4REV2') ? everything : undefined)
    const modSeq = namesModSeq(key) ? modSeqOf(found, wanted) : undefined
    return {
      ...session.answer(tag, answers.completed('SEARCH')),
      // RFC 9051 §7.3.4: IMAP4rev2 knows ESEARCH only.
      untagged:
        note +
        (wanted ? tell({ tag, by, wanted, modSeq }, found) : formatSearched('SEARCH', found.numbers, modSeq)),
    }
  },
}

export const sort: Command<'SORT'> = {
  ...terms,
  verb: 'SORT',
  async run(session, { by, key, criteria, returns }, tag) {
    if (namesUnknown(session, key)) return session.answer(tag, answers.uidRequired)
    const note = namesModSeq(key) ? session.enableModSeq() : ''
    const found = await session.selected.sort({ by, key, criteria, saves: savesOf(returns) })
    if (isRefusal(found)) return session.decline(tag, found)
    const modSeq = namesModSeq(key) ? modSeqOf(found, returns) : undefined
    return {
      ...session.answer(tag, answers.completed('SORT')),
      untagged:
        note +
        (returns
          ? tell({ tag, by, wanted: returns, modSeq }, found)
          : formatSearched('SORT', found.numbers, modSeq)),
    }
  },
}

export const thread: Command<'THREAD'> = {
  ...terms,
  verb: 'THREAD',
  run: tellThreads,
}

async function* tellThreads(
  session: Session,
  { verb: _verb, ...request }: CommandOf<'THREAD'>,
  tag: string,
): Telling {
  if (namesUnknown(session, request.key)) return session.answer(tag, answers.uidRequired)
  const threads = await session.selected.thread(request)
  if (isRefusal(threads)) return session.decline(tag, threads)
  yield* formatThreads(threads)
  return session.answer(tag, answers.completed('THREAD'))
}

const everything: SearchReturnOptions = {
  min: false,
  max: false,
  all: true,
  count: false,
  save: false,
  page: undefined,
}

/** RFC 5182 §2.4, RFC 9394 §3.2: with MIN, MAX or PARTIAL and nothing else, only these. */
function savesOf(returns: SearchReturnOptions | undefined): SearchRequest['saves'] {
  if (!returns?.save) return undefined
  const { min, max, all, count, page } = returns
  return all || count || !(min || max || page) ? 'all' : { min, max, page }
}

/** RFC 4731 §3.2: the highest of those that are told. */
function modSeqOf({ modSeqs }: Found, wanted: SearchReturnOptions | undefined): number | undefined {
  const isOfEnds = wanted && (wanted.min || wanted.max) && !wanted.all && !wanted.count && !wanted.page
  const told = isOfEnds
    ? [...(wanted.min ? modSeqs.slice(0, 1) : []), ...(wanted.max ? modSeqs.slice(-1) : [])]
    : modSeqs
  return told.length === 0 ? undefined : told.reduce((highest, modSeq) => Math.max(highest, modSeq))
}

interface Question {
  readonly tag: string
  readonly by: NamedBy
  readonly wanted: SearchReturnOptions
  readonly modSeq: number | undefined
}

/** Of a SORT, the first is the least, and the last the greatest (RFC 5267 §3.1). */
function tell({ tag, by, wanted, modSeq }: Question, { numbers }: Found): string {
  const { min, max, all, count, page } = wanted
  // RFC 5182 §2.1: SAVE alone is answered by nothing.
  if (!min && !max && !all && !count && !page) return ''
  return formatExtendedSearch({
    tag,
    by,
    min: min ? numbers[0] : undefined,
    max: max ? numbers.at(-1) : undefined,
    all: all ? numbers : undefined,
    count: count ? numbers.length : undefined,
    page: page && { page, numbers: takePage(numbers, page) },
    modSeq,
  })
}

/** RFC 9586 §3: a search by UIDs may ask for numbers of messages too, of which this client knows none. */
function namesUnknown({ knowsUidsOnly }: Session, key: SearchKey): boolean {
  return knowsUidsOnly && namesKey(key, isNumbers)
}

/** RFC 7162 §3.1.5 */
function namesModSeq(key: SearchKey): boolean {
  return namesKey(key, one => one.kind === 'mod-seq')
}

/** `$` is what a search found, by UID or not. */
const isNumbers = (key: SearchKey): boolean =>
  key.kind === 'messages' && key.by === 'sequence' && key.set.kind !== 'saved'

/** A search has few keys, and few levels of them. */
function namesKey(key: SearchKey, isIt: (key: SearchKey) => boolean): boolean {
  switch (key.kind) {
    case 'and':
      return key.keys.some(one => namesKey(one, isIt))
    case 'or':
      return namesKey(key.left, isIt) || namesKey(key.right, isIt)
    case 'not':
      return namesKey(key.key, isIt)
    default:
      return isIt(key)
  }
}
