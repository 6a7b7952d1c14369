// What the server answers (RFC 5804 §1.3, §4): OK, NO or BYE, with a code and a text for people.

export type ResponseCode =
  | 'AUTH-TOO-WEAK'
  | 'ENCRYPT-NEEDED'
  | 'QUOTA'
  | 'QUOTA/MAXSCRIPTS'
  | 'QUOTA/MAXSIZE'
  | 'TRYLATER'
  | 'ACTIVE'
  | 'NONEXISTENT'
  | 'ALREADYEXISTS'
  | 'WARNINGS'

export interface Response {
  readonly kind: 'OK' | 'NO' | 'BYE'
  readonly code?: ResponseCode
  /** Of the codes that have one: SASL, TAG. */
  readonly data?: { readonly code: 'SASL' | 'TAG'; readonly value: string | Buffer }
  /** In several lines where there is more to say. */
  readonly text?: string
}

/** RFC 5804 §4 quoted: 1024 octets at most, no CR, LF, NUL. */
const maxQuotedBytes = 1024

/** What would have to be escaped goes as a literal: there are clients that show the backslashes. */
export function formatString(value: string | Buffer): string | Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  const text = bytes.toString('utf8')
  // oxlint-disable-next-line no-control-regex -- what a quoted string must not have
  if (bytes.length <= maxQuotedBytes && !/[\0\r\n"\\]/.test(text) && Buffer.from(text).equals(bytes))
    return `"${text}"`
  return Buffer.concat([Buffer.from(`{${bytes.length}}\r\n`), bytes])
}

export function formatResponse({ kind, code, data, text }: Response): Buffer {
  const parts: (string | Buffer)[] = [kind]
  if (code !== undefined) parts.push(` (${code})`)
  if (data) parts.push(` (${data.code} `, formatString(data.value), ')')
  if (text !== undefined) parts.push(' ', formatString(text))
  return join([...parts, '\r\n'])
}

/** Lines of a listing, each of strings and words. */
export function formatLine(...parts: readonly (string | Buffer)[]): Buffer {
  return join([...parts.flatMap((part, index) => (index === 0 ? [part] : [' ', part])), '\r\n'])
}

function join(parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part) : part)))
}
