// GETMETADATA (RFC 5464 §4.2).
import type { Cursor } from '../cursor.ts'
import { parseEntryName } from '../entry-name.ts'
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
    entries: cursor.listOrOne(() => parseEntryName(cursor)),
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
