// OAUTHBEARER (RFC 7628) and XOAUTH2 (what Google and Microsoft had before it): a token that somebody else has given out.
import { readGs2Header } from './gs2-header.ts'
import { clientFirst, decodeUtf8, type SaslMechanism, type SaslStep, type TokenHints } from './mechanism.ts'

const separator = '\x01'

/** RFC 7628 §3.1 */
export const oauthBearer: SaslMechanism = {
  name: 'OAUTHBEARER',
  start: clientFirst(readOauthBearer),
}

export const xoauth2: SaslMechanism = {
  name: 'XOAUTH2',
  start: clientFirst(readXoauth2),
}

function readOauthBearer(message: Buffer): SaslStep {
  const text = decodeUtf8(message)
  const end = text?.indexOf(separator) ?? -1
  if (text === undefined || end < 0) return { kind: 'malformed' }
  const header = readGs2Header(text.slice(0, end))
  const pairs = readPairs(text.slice(end + 1))
  // §3.1: there is no channel binding in it, so a client that demands one is not to go on.
  if (!header || header.binding.kind === 'p' || !pairs) return { kind: 'malformed' }
  return readToken(pairs, header.identity, explainOauthBearer)
}

function readXoauth2(message: Buffer): SaslStep {
  const pairs = readPairs(decodeUtf8(message) ?? '')
  const name = pairs?.get('user')
  if (!pairs || name === undefined || name === '') return { kind: 'malformed' }
  return readToken(pairs, name, explainXoauth2)
}

function readToken(
  pairs: ReadonlyMap<string, string>,
  name: string,
  explain: (hints: TokenHints) => string,
): SaslStep {
  const value = pairs.get('auth')
  if (value === undefined) return { kind: 'malformed' }
  // §4.3: nothing in it is the question what this server would take.
  if (value === '') return { kind: 'token', name, token: undefined, explain }
  // RFC 6750 §2.1; the scheme in any case (RFC 9110 §11.1).
  const token = /^bearer +(?<token>[A-Za-z0-9._~+/-]+=*)$/i.exec(value)?.groups?.token
  return token === undefined ? { kind: 'malformed' } : { kind: 'token', name, token, explain }
}

/** 'a=b' 'c=d', each ended by the separator, and once more at the end; undefined: it is nothing like it. */
function readPairs(text: string): ReadonlyMap<string, string> | undefined {
  if (!text.endsWith(separator + separator)) return undefined
  const pairs = new Map<string, string>()
  for (const pair of text.slice(0, -2).split(separator)) {
    const [, key, value] = /^([A-Za-z]+)=([^\0]*)$/s.exec(pair) ?? []
    if (key === undefined || value === undefined || pairs.has(key)) return undefined
    pairs.set(key, value)
  }
  return pairs
}

/** §3.2.2 */
function explainOauthBearer({ isScopeMissing, scope, configuration }: TokenHints): string {
  return JSON.stringify({
    status: isScopeMissing ? 'insufficient_scope' : 'invalid_token',
    ...(scope === undefined ? {} : { scope }),
    ...(configuration === undefined ? {} : { 'openid-configuration': configuration }),
  })
}

function explainXoauth2({ scope = '' }: TokenHints): string {
  return JSON.stringify({ status: '401', schemes: 'bearer', scope })
}
