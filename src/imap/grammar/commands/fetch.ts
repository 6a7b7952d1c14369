// FETCH (RFC 9051 §6.4.5) with what extensions add: MODSEQ, CHANGEDSINCE and VANISHED (RFC 7162), BINARY (RFC 3516), EMAILID and
// THREADID (RFC 8474), SAVEDATE (RFC 8514), PREVIEW (RFC 8970), PARTIAL (RFC 9394).
import type { Cursor } from '../cursor.ts'
import { type Page, parsePage } from '../page.ts'
import { type Partial, parseBinaryPart, parsePartial, parseSection, type Section } from '../section.ts'
import { type NamedBy, parseSequenceSet, type SequenceSet } from '../sequence-set.ts'

export const plainAttributes = [
  'ENVELOPE',
  'FLAGS',
  'INTERNALDATE',
  'RFC822',
  'RFC822.HEADER',
  'RFC822.SIZE',
  'RFC822.TEXT',
  'BODY',
  'BODYSTRUCTURE',
  'UID',
  'MODSEQ',
  'EMAILID',
  'THREADID',
  'SAVEDATE',
] as const

export type PlainAttribute = (typeof plainAttributes)[number]

export type FetchAttribute =
  /** 'BODY' is the structure without its extension data. */
  | { readonly kind: PlainAttribute }
  /** `peek`: \Seen is not set. */
  | {
      readonly kind: 'BODY[]'
      readonly section: Section
      readonly partial: Partial | undefined
      readonly peek: boolean
    }
  | {
      readonly kind: 'BINARY[]'
      readonly part: readonly number[]
      readonly partial: Partial | undefined
      readonly peek: boolean
    }
  | { readonly kind: 'BINARY.SIZE[]'; readonly part: readonly number[] }
  /** `lazy`: only if there is one already. */
  | { readonly kind: 'PREVIEW'; readonly lazy: boolean }

export interface FetchCommand {
  readonly verb: 'FETCH'
  readonly by: NamedBy
  readonly set: SequenceSet
  readonly attributes: readonly FetchAttribute[]
  readonly changedSince: number | undefined
  /** With UID FETCH … CHANGEDSINCE only (RFC 7162 §3.2.6). */
  readonly vanished: boolean
  readonly page: Page | undefined
}

/** RFC 9051 §6.4.5 */
const macros: Readonly<Record<string, readonly PlainAttribute[]>> = {
  ALL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'],
  FAST: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'],
  FULL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'],
}

export function parseFetch(cursor: Cursor, by: NamedBy): FetchCommand {
  cursor.blank()
  const set = parseSequenceSet(cursor)
  cursor.blank()
  const attributes = parseFetchAttributes(cursor)
  const modifiers = cursor.takes(' ') ? readModifiers(cursor, by) : noModifiers
  return { verb: 'FETCH', by, set, attributes, ...modifiers }
}

/** Also what NOTIFY fetches of new messages (RFC 5465 §5.2). */
export function parseFetchAttributes(cursor: Cursor): readonly FetchAttribute[] {
  const macro = macros[cursor.peekKeyword()]
  if (!macro) return cursor.listOrOne(() => readAttribute(cursor))
  cursor.keyword('an attribute')
  return macro.map(kind => ({ kind }))
}

function readAttribute(cursor: Cursor): FetchAttribute {
  const word = cursor.keyword('an attribute of messages')
  const bracketed = cursor.sees('[')
  switch (word) {
    case 'BODY':
    case 'BODY.PEEK':
      if (!bracketed) break
      return {
        kind: 'BODY[]',
        section: parseSection(cursor),
        partial: parsePartial(cursor),
        peek: word === 'BODY.PEEK',
      }
    case 'BINARY':
    case 'BINARY.PEEK':
      return {
        kind: 'BINARY[]',
        part: parseBinaryPart(cursor),
        partial: parsePartial(cursor),
        peek: word === 'BINARY.PEEK',
      }
    case 'BINARY.SIZE':
      return { kind: 'BINARY.SIZE[]', part: parseBinaryPart(cursor) }
    case 'PREVIEW':
      return { kind: 'PREVIEW', lazy: readLazy(cursor) }
  }
  const kind = plainAttributes.find(each => each === word)
  if (kind === undefined) cursor.fail('syntax', `FETCH knows no ${word.slice(0, 32)}`)
  return { kind: kind ?? 'UID' }
}

function readLazy(cursor: Cursor): boolean {
  // In a list a blank may be followed by the next attribute; '(LAZY)' is the only modifier (RFC 8970 §3).
  if (!cursor.seesBehindBlank('(')) return false
  cursor.blank()
  cursor.list(() => cursor.skipKeyword('LAZY'))
  return true
}

type Modifiers = Pick<FetchCommand, 'changedSince' | 'vanished' | 'page'>

const noModifiers: Modifiers = { changedSince: undefined, vanished: false, page: undefined }

function readModifiers(cursor: Cursor, by: NamedBy): Modifiers {
  let { changedSince, vanished, page } = noModifiers
  cursor.list(() => {
    if (cursor.takesKeyword('CHANGEDSINCE')) {
      cursor.blank()
      changedSince = cursor.number64('a mod-sequence')
    } else if (cursor.takesKeyword('VANISHED')) vanished = true
    else if (cursor.takesKeyword('PARTIAL')) {
      cursor.blank()
      page = parsePage(cursor)
    } else cursor.expect('CHANGEDSINCE, VANISHED or PARTIAL')
  })
  if (vanished && (by !== 'uid' || changedSince === undefined))
    cursor.fail('syntax', 'VANISHED goes with UID FETCH and CHANGEDSINCE (RFC 7162 3.2.6)')
  if (page && by !== 'uid') cursor.fail('syntax', 'PARTIAL goes with UID FETCH (RFC 9394 3.3)')
  return { changedSince, vanished, page }
}
