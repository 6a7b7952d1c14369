// GENURLAUTH, RESETKEY, URLFETCH (RFC 4467 §7), and what more URLFETCH may ask for (URLAUTH=BINARY, RFC 5524 §3).
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
  readonly urls: readonly WantedUrl[]
}

export interface WantedUrl {
  readonly url: string
  /** undefined: in the form of RFC 4467, which is the octets alone. */
  readonly wants: UrlWants | undefined
}

export interface UrlWants {
  /** BINARY: without its transfer encoding. */
  readonly content: 'BODY' | 'BINARY' | undefined
  /** BODYPARTSTRUCTURE */
  readonly structure: boolean
}

const parameters = ['BODY', 'BINARY', 'BODYPARTSTRUCTURE'] as const

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
  return { verb: 'URLFETCH', urls: cursor.separated(() => readWanted(cursor)) }
}

function readWanted(cursor: Cursor): WantedUrl {
  if (!cursor.takes('(')) return { url: readUrl(cursor), wants: undefined }
  const url = readUrl(cursor)
  let content: UrlWants['content']
  let structure = false
  while (cursor.takes(' ')) {
    const parameter = cursor.oneOf(parameters, 'BODY, BINARY or BODYPARTSTRUCTURE', 'URLFETCH knows')
    if (parameter === 'BODYPARTSTRUCTURE') structure = true
    // RFC 5524 §3: the octets are wanted in one form.
    else if (content !== undefined) cursor.fail('syntax', 'URLFETCH takes one of BODY and BINARY')
    else content = parameter
  }
  cursor.skip(')')
  return { url, wants: { content, structure } }
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
