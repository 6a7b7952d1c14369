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

export function parseGetMetadata(cursor: Cursor): GetMetadataCommand {
  let maxSize: number | undefined
  let depth: GetMetadataCommand['depth'] = '0'
  cursor.blank()
  if (cursor.sees('(')) {
    cursor.list(() => {
      if (cursor.takesKeyword('MAXSIZE')) {
        cursor.blank()
        maxSize = cursor.number('a number of octets')
      } else if (cursor.takesKeyword('DEPTH')) depth = readDepth(cursor)
      else cursor.expect('MAXSIZE or DEPTH')
    })
    cursor.blank()
  }
  const mailbox = parseMailboxName(cursor)
  cursor.blank()
  return {
    verb: 'GETMETADATA',
    mailbox,
    entries: cursor.listOrOne(() => readEntryName(cursor)),
    maxSize,
    depth,
  }
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
  if (!/^(?:\/[!-)+-.0-~][^/*%\0-\x1f\x7f-\uffff]*)+$/.test(name))
    cursor.fail('syntax', 'An entry has a name as /private/comment (RFC 5464 3)')
  return name
}
