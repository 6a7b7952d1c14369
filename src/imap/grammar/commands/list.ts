// LIST (RFC 9051 §6.3.9), with its options (RFC 5258, 5819, 6154, 8440).
import type { Cursor } from '../cursor.ts'
import { parseMailboxName, parsePattern } from '../mailbox-name.ts'
import { parseStatusItems, type StatusItem } from './status.ts'

const selectionOptions = ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'] as const

export type SelectionOption = (typeof selectionOptions)[number]

export interface ListReturnOptions {
  readonly subscribed: boolean
  readonly children: boolean
  readonly specialUse: boolean
  /** MYRIGHTS (RFC 8440). */
  readonly myRights: boolean
  readonly status: readonly StatusItem[] | undefined
}

export interface ListCommand {
  readonly verb: 'LIST'
  readonly selection: readonly SelectionOption[]
  readonly reference: string
  readonly patterns: readonly string[]
  /** undefined: there was no RETURN, and the client may know nothing of it. */
  readonly returns: ListReturnOptions | undefined
}

/** Each is held against each name. */
const maxPatterns = 100

export function parseList(cursor: Cursor): ListCommand {
  cursor.blank()
  const selection = cursor.sees('(') ? readSelection(cursor) : undefined
  if (selection) cursor.blank()
  const reference = parseMailboxName(cursor)
  cursor.blank()
  const patterns = cursor.listOrOne(() => parsePattern(cursor))
  if (patterns.length > maxPatterns) cursor.fail('syntax', `LIST takes ${maxPatterns} patterns at most`)
  const returns = cursor.takes(' ') ? readReturn(cursor) : undefined
  return { verb: 'LIST', selection: selection ?? [], reference, patterns, returns }
}

function readSelection(cursor: Cursor): readonly SelectionOption[] {
  const chosen = cursor.list(
    () => cursor.oneOf(selectionOptions, 'a selection option', 'LIST selects by'),
    'may-be-empty',
  )
  // RFC 5258 §3.1: it recurses for the sake of another one, and REMOTE is none.
  const needsBase = chosen.includes('RECURSIVEMATCH') && !chosen.some(isBase)
  if (needsBase) cursor.fail('syntax', 'RECURSIVEMATCH needs SUBSCRIBED or SPECIAL-USE beside it')
  return chosen
}

function isBase(option: SelectionOption): boolean {
  return option === 'SUBSCRIBED' || option === 'SPECIAL-USE'
}

function readReturn(cursor: Cursor): ListReturnOptions {
  const words = new Set<string>()
  let status: readonly StatusItem[] | undefined
  cursor.skipKeyword('RETURN')
  cursor.blank()
  cursor.list(() => {
    const word = cursor.keyword('a return option')
    if (word === 'STATUS') {
      cursor.blank()
      status = parseStatusItems(cursor)
    } else if (['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE', 'MYRIGHTS'].includes(word)) words.add(word)
    else cursor.fail('syntax', 'LIST returns SUBSCRIBED CHILDREN SPECIAL-USE MYRIGHTS STATUS')
  }, 'may-be-empty')
  return {
    subscribed: words.has('SUBSCRIBED'),
    children: words.has('CHILDREN'),
    specialUse: words.has('SPECIAL-USE'),
    myRights: words.has('MYRIGHTS'),
    status,
  }
}
