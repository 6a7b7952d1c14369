// SEARCH (RFC 9051 §6.4.4) with its result options (RFC 4731, 5182, 9394) and the keys that extensions add: MODSEQ (RFC 7162),
// OLDER and YOUNGER (RFC 5032), EMAILID and THREADID (RFC 8474), SAVEDBEFORE and its kin (RFC 8514).
import type { Cursor } from '../cursor.ts'
import { parseDay } from '../dates.ts'
import { type Page, parsePage } from '../page.ts'
import { createTextReader, type TextReader } from '../search-text.ts'
import { type NamedBy, parseSequenceSet, type SequenceSet } from '../sequence-set.ts'

export type SearchKey =
  | { readonly kind: 'all' }
  | { readonly kind: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'or'; readonly left: SearchKey; readonly right: SearchKey }
  | { readonly kind: 'not'; readonly key: SearchKey }
  | { readonly kind: 'flag'; readonly flag: string }
  /** \Recent (RFC 3501 §6.4.4). */
  | { readonly kind: 'recent' }
  /** `field` in lower case. Empty text: whoever has the field. */
  | { readonly kind: 'header'; readonly field: string; readonly text: string }
  | { readonly kind: 'body' | 'text'; readonly text: string }
  /** `day` is its midnight in UTC, ms since 1970. */
  | {
      readonly kind: 'date'
      readonly of: 'internal' | 'sent' | 'saved'
      readonly relation: 'before' | 'on' | 'since'
      readonly day: number
    }
  | { readonly kind: 'age'; readonly relation: 'older' | 'younger'; readonly seconds: number }
  | { readonly kind: 'size'; readonly relation: 'larger' | 'smaller'; readonly bytes: number }
  | { readonly kind: 'messages'; readonly by: NamedBy; readonly set: SequenceSet }
  /** Changed at this mod-sequence or after it. */
  | { readonly kind: 'mod-seq'; readonly modSeq: number }
  | { readonly kind: 'email-id' | 'thread-id'; readonly id: string }
  /** Whether the mailbox keeps the dates of saving. */
  | { readonly kind: 'save-date-supported' }

export interface SearchReturnOptions {
  readonly min: boolean
  readonly max: boolean
  readonly all: boolean
  readonly count: boolean
  /** For `$`. */
  readonly save: boolean
  readonly page: Page | undefined
}

export interface SearchCommand {
  readonly verb: 'SEARCH'
  readonly by: NamedBy
  /** undefined: the client wants the answer of RFC 3501, where that is still given. */
  readonly returns: SearchReturnOptions | undefined
  readonly key: SearchKey
}

export function parseSearch(cursor: Cursor, by: NamedBy): SearchCommand {
  const returns = parseSearchReturn(cursor)
  cursor.blank()
  const charset = cursor.takesKeyword('CHARSET') ? readCharset(cursor) : undefined
  return { verb: 'SEARCH', by, returns, key: parseProgram(cursor, charset) }
}

function readCharset(cursor: Cursor): string {
  cursor.blank()
  const charset = cursor.astring('the name of a charset')
  cursor.blank()
  return charset
}

/** ' RETURN (…)', where it stands. */
export function parseSearchReturn(cursor: Cursor): SearchReturnOptions | undefined {
  if (!cursor.takesBehindBlank('RETURN')) return undefined
  cursor.blank()
  const words = new Set<string>()
  let page: Page | undefined
  cursor.list(() => {
    const word = cursor.keyword('a result option')
    if (!['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE', 'PARTIAL'].includes(word))
      cursor.fail('syntax', 'SEARCH returns MIN MAX ALL COUNT SAVE PARTIAL')
    if (word === 'PARTIAL') {
      // RFC 9394 §3.1: one of them, and not beside ALL.
      if (page) cursor.fail('syntax', 'PARTIAL may stand once')
      cursor.blank()
      page = parsePage(cursor)
    }
    words.add(word)
  }, 'may-be-empty')
  if (page && words.has('ALL')) cursor.fail('syntax', 'PARTIAL and ALL exclude each other (RFC 9394 3.1)')
  return {
    min: words.has('MIN'),
    max: words.has('MAX'),
    // RFC 9051 §6.4.4: () is ALL.
    all: words.has('ALL') || words.size === 0,
    count: words.has('COUNT'),
    save: words.has('SAVE'),
    page,
  }
}

/** The charset always named, as SORT and THREAD have it (RFC 5256 §3). */
export function parseProgramInCharset(cursor: Cursor): SearchKey {
  return parseProgram(cursor, readCharset(cursor))
}

/** search-key *(SP search-key): all of them have to fit. */
function parseProgram(cursor: Cursor, charset: string | undefined): SearchKey {
  return new KeyReader(cursor, createTextReader(cursor, charset)).program()
}

const all: SearchKey = { kind: 'all' }

type DateKey = Extract<SearchKey, { kind: 'date' }>

const dateKeys: ReadonlyMap<string, Pick<DateKey, 'of' | 'relation'>> = new Map(
  (['before', 'on', 'since'] as const).flatMap((relation): [string, Pick<DateKey, 'of' | 'relation'>][] => {
    const word = relation.toUpperCase()
    return [
      [word, { of: 'internal', relation }],
      [`SENT${word}`, { of: 'sent', relation }],
      [`SAVED${word}`, { of: 'saved', relation }],
    ]
  }),
)

const flagKeys: ReadonlyMap<string, string> = new Map(
  ['Answered', 'Deleted', 'Draft', 'Flagged', 'Seen'].map(name => [name.toUpperCase(), `\\${name}`]),
)

const fieldKeys: ReadonlySet<string> = new Set(['BCC', 'CC', 'FROM', 'SUBJECT', 'TO'])

class KeyReader {
  readonly #cursor: Cursor
  readonly #text: TextReader
  #terms = 0
  #depth = 0

  constructor(cursor: Cursor, text: TextReader) {
    this.#cursor = cursor
    this.#text = text
  }

  program(): SearchKey {
    const keys: SearchKey[] = []
    do keys.push(this.#key())
    while (this.#cursor.takes(' '))
    const [only] = keys
    return keys.length === 1 && only ? only : { kind: 'and', keys }
  }

  // Both bounds are looked at before anything is read, so that nothing recurses beyond them.
  #key(): SearchKey {
    const { maxTerms, maxNesting } = this.#cursor.terms
    if (++this.#terms > maxTerms) this.#cursor.fail('too-complex', `A search may have ${maxTerms} keys`)
    if (++this.#depth > maxNesting)
      this.#cursor.fail('too-complex', `Search keys may be nested ${maxNesting} deep`)
    const key = this.#cursor.atEnd ? this.#missing() : this.#readKey()
    this.#depth--
    return key
  }

  #missing(): SearchKey {
    this.#cursor.expect('a search key')
    return all
  }

  #readKey(): SearchKey {
    const cursor = this.#cursor
    if (cursor.takes('(')) {
      const inner = this.program()
      cursor.skip(')')
      return inner
    }
    if (cursor.sees('$') || cursor.sees('*') || cursor.seesDigit)
      return { kind: 'messages', by: 'sequence', set: parseSequenceSet(cursor) }
    return this.#named(cursor.keyword('a search key'))
  }

  #named(word: string): SearchKey {
    const date = dateKeys.get(word)
    if (date) return { kind: 'date', ...date, day: this.#after(() => parseDay(this.#cursor)) }
    const flag = flagKeys.get(word)
    if (flag !== undefined) return { kind: 'flag', flag }
    const absent = word.startsWith('UN') ? flagKeys.get(word.slice(2)) : undefined
    if (absent !== undefined) return { kind: 'not', key: { kind: 'flag', flag: absent } }
    if (fieldKeys.has(word)) return { kind: 'header', field: word.toLowerCase(), text: this.#textAfter() }
    return this.#other(word)
  }

  #other(word: string): SearchKey {
    const cursor = this.#cursor
    switch (word) {
      case 'ALL':
        return all
      case 'NOT':
        return { kind: 'not', key: this.#after(() => this.#key()) }
      case 'OR': {
        const left = this.#after(() => this.#key())
        return { kind: 'or', left, right: this.#after(() => this.#key()) }
      }
      case 'RECENT':
        return { kind: 'recent' }
      case 'OLD':
        return { kind: 'not', key: { kind: 'recent' } }
      case 'NEW':
        return {
          kind: 'and',
          keys: [{ kind: 'recent' }, { kind: 'not', key: { kind: 'flag', flag: '\\Seen' } }],
        }
      case 'KEYWORD':
        return { kind: 'flag', flag: this.#after(() => cursor.atom('a keyword')) }
      case 'UNKEYWORD':
        return { kind: 'not', key: { kind: 'flag', flag: this.#after(() => cursor.atom('a keyword')) } }
      case 'HEADER': {
        const field = this.#after(() => cursor.astring('the name of a field')).toLowerCase()
        return { kind: 'header', field, text: this.#textAfter() }
      }
      case 'BODY':
        return { kind: 'body', text: this.#textAfter() }
      case 'TEXT':
        return { kind: 'text', text: this.#textAfter() }
      case 'LARGER':
      case 'SMALLER':
        return {
          kind: 'size',
          relation: word === 'LARGER' ? 'larger' : 'smaller',
          bytes: this.#after(() => cursor.number64('a number of octets')),
        }
      case 'OLDER':
      case 'YOUNGER':
        return {
          kind: 'age',
          relation: word === 'OLDER' ? 'older' : 'younger',
          seconds: this.#after(() => cursor.nonZeroNumber('a number of seconds above 0')),
        }
      case 'UID':
        return { kind: 'messages', by: 'uid', set: this.#after(() => parseSequenceSet(cursor)) }
      case 'MODSEQ':
        return { kind: 'mod-seq', modSeq: this.#after(() => this.#modSeq()) }
      case 'EMAILID':
      case 'THREADID':
        return {
          kind: word === 'EMAILID' ? 'email-id' : 'thread-id',
          id: this.#after(() => cursor.atom('an object identifier')),
        }
      case 'SAVEDATESUPPORTED':
        return { kind: 'save-date-supported' }
      default:
        cursor.fail('syntax', `There is no search key ${word.slice(0, 32)}`)
        return all
    }
  }

  /** RFC 7162 §3.1.5: mod-sequences here are a message's, whatever entry the client asks about. */
  #modSeq(): number {
    const cursor = this.#cursor
    if (cursor.sees('"')) {
      cursor.text('the name of an entry')
      cursor.blank()
      const kind = cursor.keyword('priv, shared or all')
      if (!['PRIV', 'SHARED', 'ALL'].includes(kind)) cursor.expect('priv, shared or all before this')
      cursor.blank()
    }
    return cursor.number64('a mod-sequence')
  }

  #textAfter(): string {
    return this.#after(this.#text)
  }

  #after<Value>(read: () => Value): Value {
    this.#cursor.blank()
    return read()
  }
}
