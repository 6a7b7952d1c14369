// GENURLAUTH, RESETKEY, URLFETCH (RFC 4467 §7).
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'

export interface GenUrlAuthCommand {
  readonly verb: 'GENURLAUTH'
  readonly urls: readonly { readonly url: string; readonly mechanism: string }[]
}

export interface ResetKeyCommand {
  readonly verb: 'RESETKEY'
  /** undefined: of all mailboxes. */
  readonly mailbox: string | undefined
  readonly mechanisms: readonly string[]
}

export interface UrlFetchCommand {
  readonly verb: 'URLFETCH'
  readonly urls: readonly string[]
}

export function parseGenUrlAuth(cursor: Cursor): GenUrlAuthCommand {
  cursor.blank()
  const urls = cursor.separated(() => {
    const url = readUrl(cursor)
    cursor.blank()
    return { url, mechanism: readMechanism(cursor) }
  })
  return { verb: 'GENURLAUTH', urls }
}

export function parseResetKey(cursor: Cursor): ResetKeyCommand {
  if (!cursor.takes(' ')) return { verb: 'RESETKEY', mailbox: undefined, mechanisms: [] }
  const mailbox = parseMailboxName(cursor)
  const mechanisms = cursor.takes(' ') ? cursor.separated(() => readMechanism(cursor)) : []
  return { verb: 'RESETKEY', mailbox, mechanisms }
}

export function parseUrlFetch(cursor: Cursor): UrlFetchCommand {
  cursor.blank()
  return { verb: 'URLFETCH', urls: cursor.separated(() => readUrl(cursor)) }
}

function readMechanism(cursor: Cursor): string {
  return cursor.keyword('the name of a mechanism, as INTERNAL')
}

/** An IMAP URL (RFC 5092), as text: ASCII. */
export function readUrl(cursor: Cursor): string {
  const url = cursor.astring('a URL')
  if (!/^[!-~]+$/.test(url)) cursor.expect('a URL in ASCII before this')
  return url
}
