// URLFETCH (RFC 4467 §7), and what more it may ask for (URLAUTH=BINARY, RFC 5524 §3).
import type { Cursor } from '../cursor.ts'
import { parseUrlText } from '../url.ts'

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

export function parseUrlFetch(cursor: Cursor): UrlFetchCommand {
  cursor.blank()
  return { verb: 'URLFETCH', urls: cursor.separated(() => readWanted(cursor)) }
}

function readWanted(cursor: Cursor): WantedUrl {
  if (!cursor.takes('(')) return { url: parseUrlText(cursor), wants: undefined }
  const url = parseUrlText(cursor)
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
