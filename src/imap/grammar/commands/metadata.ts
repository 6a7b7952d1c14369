// GETMETADATA and SETMETADATA (RFC 5464): annotations of mailboxes, and of the server.
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'

export interface GetMetadataCommand {
  readonly verb: 'GETMETADATA'
  /** '': the server's. */
  readonly mailbox: string
  /** In lower case: '/private/comment'. */
  readonly entries: readonly string[]
  readonly maxSize: number | undefined
  readonly depth: '0' | '1' | 'infinity'
}

export interface SetMetadataCommand {
  readonly verb: 'SETMETADATA'
  readonly mailbox: string
  /** null takes the entry away. */
  readonly entries: ReadonlyMap<string, Buffer | null>
}

type Options = Pick<GetMetadataCommand, 'maxSize' | 'depth'>

const usualOptions: Options = { maxSize: undefined, depth: '0' }

export function parseGetMetadata(cursor: Cursor): GetMetadataCommand {
  cursor.blank()
  // The grammar of §5 has the options before the mailbox, the examples of §4.2 have them behind it: programs do either.
  let options = cursor.sees('(') ? readOptions(cursor) : undefined
  if (options) cursor.blank()
  const mailbox = parseMailboxName(cursor)
  cursor.blank()
  if (!options && seesOptions(cursor)) {
    options = readOptions(cursor)
    cursor.blank()
  }
  return {
    verb: 'GETMETADATA',
    mailbox,
    entries: cursor.listOrOne(() => readEntryName(cursor)),
    ...(options ?? usualOptions),
  }
}

/** Names of entries begin with a slash, or are quoted. */
function seesOptions(cursor: Cursor): boolean {
  const next = cursor.bytes[cursor.position + 1] ?? 0
  return cursor.sees('(') && /[A-Za-z]/.test(String.fromCharCode(next))
}

function readOptions(cursor: Cursor): Options {
  let { maxSize, depth } = usualOptions
  cursor.list(() => {
    if (cursor.takesKeyword('MAXSIZE')) {
      cursor.blank()
      maxSize = cursor.number('a number of octets')
    } else if (cursor.takesKeyword('DEPTH')) depth = readDepth(cursor)
    else cursor.expect('MAXSIZE or DEPTH')
  })
  return { maxSize, depth }
}

function readDepth(cursor: Cursor): GetMetadataCommand['depth'] {
  cursor.blank()
  const depth = cursor.keyword('a depth').toLowerCase()
  if (depth === '0' || depth === '1' || depth === 'infinity') return depth
  cursor.expect('0, 1 or infinity before this')
  return '0'
}

export function parseSetMetadata(cursor: Cursor): SetMetadataCommand {
  cursor.blank()
  const mailbox = parseMailboxName(cursor)
  cursor.blank()
  const entries = cursor.list(() => {
    const name = readEntryName(cursor)
    if (!name.includes('/', 1)) cursor.expect('more of the name of the entry')
    cursor.blank()
    return [name, readValue(cursor)] as const
  })
  return { verb: 'SETMETADATA', mailbox, entries: new Map(entries) }
}

function readValue(cursor: Cursor): Buffer | null {
  if (cursor.takesKeyword('NIL')) return null
  return cursor.seesLiteral8 ? cursor.anyLiteral('a value') : cursor.string('a value, or NIL')
}

/** RFC 5464 §3: slashes between words; no stars, no 8-bit characters, and none at the end. */
function readEntryName(cursor: Cursor): string {
  const name = cursor.astring('the name of an entry').toLowerCase()
  // §3.2: it says whose it is.
  if (!/^\/(?:private|shared)(?:\/|$)/.test(name))
    cursor.fail('syntax', 'The name of an entry begins with /private or /shared (RFC 5464 3.2)')
  if (!/^(?:\/[!-)+-.0-~][^/*%\0-\x1f\x7f-\uffff]*)+$/.test(name))
    cursor.fail('syntax', 'An entry has a name as /private/comment (RFC 5464 3)')
  return name
}
