// The URL of a message or of a part of one (RFC 5092), with what authorizes whom to see it (URLAUTH, RFC 4467).

import { Cursor } from './cursor.ts'
import { parseSection, type Section } from './section.ts'

export interface ImapUrl {
  /** undefined: of the server that is asked, and of who asks. */
  readonly server: UrlServer | undefined
  /** Without its escapes; undefined: the mailbox that is selected. */
  readonly mailbox: string | undefined
  readonly uidValidity: number | undefined
  readonly uid: number
  readonly section: Section
  readonly partial: UrlPartial | undefined
  readonly authorization: UrlAuthorization | undefined
}

export interface UrlServer {
  /** Whose mailbox it is. */
  readonly user: string | undefined
  /** In lower case, without its port. */
  readonly host: string
}

export interface UrlPartial {
  readonly offset: number
  /** undefined: all that is behind it. */
  readonly length: number | undefined
}

export interface UrlAuthorization {
  /** The URL up to here: what the token is made of, octet by octet (RFC 4467 §5). */
  readonly rump: string
  /** Until when, ms since 1970. */
  readonly expiresAt: number | undefined
  readonly access: UrlAccess
  /** undefined: it is yet to be authorized. */
  readonly proof: { readonly mechanism: string; readonly token: string } | undefined
}

export type UrlAccess =
  /** `submit`: the server to which that user submits mail, for him. */
  | { readonly kind: 'submit' | 'user'; readonly user: string }
  /** `authuser`: whoever has logged in. */
  | { readonly kind: 'authuser' | 'anonymous' }

const scheme = /^imap:\/\//i
const maxUrlLength = 4000
/** RFC 5092 §11, in their order: each at most once. */
const names = ['UIDVALIDITY', 'UID', 'SECTION', 'PARTIAL', 'EXPIRE', 'URLAUTH'] as const
type Name = (typeof names)[number]
/** A slash stands before these. */
const behindSlash: ReadonlySet<Name> = new Set(['UID', 'SECTION', 'PARTIAL'])
const nzNumber = /^[1-9][0-9]{0,9}$/
const maxNumber = 2 ** 32 - 1

/** Of the mechanisms by which a URL is authorized, this server has its own only (RFC 4467). */
export const urlMechanism = 'INTERNAL'

/** As an argument of a command: in ASCII, whatever it names. */
export function parseUrlText(cursor: Cursor): string {
  const url = cursor.astring('a URL')
  if (!/^[!-~]+$/.test(url)) cursor.expect('a URL in ASCII before this')
  return url
}

export function parseUrlMechanism(cursor: Cursor): string {
  return cursor.keyword(`the name of a mechanism, as ${urlMechanism}`)
}

/** undefined: it is no URL, or one of something else than a message. */
export function parseImapUrl(text: string): ImapUrl | undefined {
  // RFC 3986 §2: what is not among these is escaped.
  if (text.length > maxUrlLength || !/^[!$-;=@-Z[\]_a-z~]+$/.test(text)) return undefined
  const beginning = scheme.exec(text)?.[0].length
  if (beginning === undefined) return parsePath(text, text, undefined)
  const slash = text.indexOf('/', beginning)
  const server = slash < 0 ? undefined : parseServer(text.slice(beginning, slash))
  return server && parsePath(text, text.slice(slash), server)
}

function parseServer(text: string): UrlServer | undefined {
  // Clients write the @ of an address as it is, although it should be escaped: the host is behind the last one.
  const at = text.lastIndexOf('@')
  const host = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?$/i.exec(text.slice(at + 1))?.[1]
  if (host === undefined) return undefined
  if (at < 0) return { user: undefined, host: host.toLowerCase() }
  // How that user would log in does not matter to who has logged in already.
  const user = decodeEscapes(text.slice(0, at).replace(/;auth=[^;]*$/i, ''))
  return user === undefined || user === '' ? undefined : { user, host: host.toLowerCase() }
}

function parsePath(url: string, path: string, server: UrlServer | undefined): ImapUrl | undefined {
  const fields = readFields(path)
  if (!fields) return undefined
  const mailbox = readMailbox(fields.head, server)
  const uid = readNumber(fields.values.get('UID'))
  const uidValidity = readNumber(fields.values.get('UIDVALIDITY'))
  const section = readSection(fields.values.get('SECTION'))
  const partial = readPartial(fields.values.get('PARTIAL'))
  const authorization = readAuthorization(url, fields.values)
  if (mailbox === '' || uidValidity === 'malformed' || partial === 'malformed') return undefined
  if (authorization === 'malformed' || !section || typeof uid !== 'number') return undefined
  return { server, mailbox, uidValidity, uid, section, partial, authorization }
}

interface Fields {
  /** What stands before the first of them: the mailbox. */
  readonly head: string
  readonly values: ReadonlyMap<Name, string>
}

// A semicolon in a name is escaped, so each of them begins a field.
function readFields(path: string): Fields | undefined {
  const [head = '', ...rest] = path.split(';')
  const values = new Map<Name, string>()
  let before = head
  let last = -1
  for (const field of rest) {
    const equals = field.indexOf('=')
    const index = names.findIndex(each => each === field.slice(0, Math.max(equals, 0)).toUpperCase())
    const name = names[index]
    if (name === undefined || index <= last) return undefined
    // ';UID=20' alone is of the mailbox that is selected.
    if (before !== '' && before.endsWith('/') !== behindSlash.has(name)) return undefined
    if (before === '' && name !== 'UID') return undefined
    last = index
    before = field
    values.set(name, field.slice(equals + 1))
  }
  if (before.endsWith('/')) return undefined
  for (const [name, value] of values) if (value.endsWith('/')) values.set(name, value.slice(0, -1))
  return { head: head.length > 1 && head.endsWith('/') ? head.slice(0, -1) : head, values }
}

/** '': it is malformed. */
function readMailbox(head: string, server: UrlServer | undefined): string | undefined {
  if (!server && (head === '' || head === '.')) return undefined
  return head.startsWith('/') ? (decodeEscapes(head.slice(1)) ?? '') : ''
}

function readNumber(text: string | undefined): number | undefined | 'malformed' {
  if (text === undefined) return undefined
  const value = nzNumber.test(text) ? Number(text) : Number.POSITIVE_INFINITY
  return value <= maxNumber ? value : 'malformed'
}

/** As FETCH has it between its brackets. */
function readSection(text: string | undefined): Section | undefined {
  const decoded = text === undefined ? '' : decodeEscapes(text)
  if (decoded === undefined || (text !== undefined && decoded === '')) return undefined
  const cursor = new Cursor(Buffer.from(`[${decoded}]`), { utf8Names: true, maxTerms: 100, maxNesting: 1 })
  const section = parseSection(cursor)
  cursor.end()
  return cursor.problem ? undefined : section
}

function readPartial(text: string | undefined): UrlPartial | undefined | 'malformed' {
  if (text === undefined) return undefined
  const [, offset, length] = /^([0-9]{1,15})(?:\.([1-9][0-9]{0,14}))?$/.exec(text) ?? []
  if (offset === undefined) return 'malformed'
  return { offset: Number(offset), length: length === undefined ? undefined : Number(length) }
}

function readAuthorization(
  url: string,
  values: ReadonlyMap<Name, string>,
): UrlAuthorization | undefined | 'malformed' {
  const [expire, value] = [values.get('EXPIRE'), values.get('URLAUTH')]
  if (value === undefined) return expire === undefined ? undefined : 'malformed'
  const expiresAt = expire === undefined ? undefined : readDateTime(expire)
  if (expire !== undefined && expiresAt === undefined) return 'malformed'
  const [who = '', mechanism, token, ...rest] = value.split(':')
  const access = readAccess(who)
  if (!access || rest.length > 0) return 'malformed'
  const rump = url.slice(0, url.length - value.length + who.length)
  if (mechanism === undefined) return { rump, expiresAt, access, proof: undefined }
  // RFC 4467 §9: 128 bits at least.
  if (!/^[A-Za-z0-9.-]+$/.test(mechanism) || !/^[0-9A-Fa-f]{32,512}$/.test(token ?? '')) return 'malformed'
  const proof = { mechanism: mechanism.toUpperCase(), token: (token ?? '').toLowerCase() }
  return { rump, expiresAt, access, proof }
}

function readAccess(text: string): UrlAccess | undefined {
  const word = text.toLowerCase()
  if (word === 'authuser' || word === 'anonymous') return { kind: word }
  const [, kind, escaped = ''] = /^(submit|user)\+(.+)$/i.exec(text) ?? []
  const user = decodeEscapes(escaped)
  if (kind === undefined || user === undefined) return undefined
  return { kind: kind.toLowerCase() === 'submit' ? 'submit' : 'user', user }
}

/** RFC 3339, in ms since 1970. */
function readDateTime(text: string): number | undefined {
  if (
    !/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})$/i.test(
      text,
    )
  )
    return undefined
  const at = Date.parse(text.toUpperCase())
  return Number.isNaN(at) ? undefined : at
}

/** %41 is A; what they spell is UTF-8. */
function decodeEscapes(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text)
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    // An escape that is none, or octets that are no UTF-8.
    return undefined
  }
}
