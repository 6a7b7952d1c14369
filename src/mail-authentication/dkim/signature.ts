// A DKIM-Signature field, and an ARC-Message-Signature, which is much the same (RFC 6376 §3.5, §6.1.1; RFC 8617 §4.1.2).
import { isWithin, parseDnsName } from '../domain-names.ts'
import { parseBase64, parseTagList, splitAtColons, type TagList, withoutBlanks } from '../tag-list.ts'
import type { Canonicalization } from './canonical-body.ts'
import type { SignedField } from './signed-header.ts'

export type KeyType = 'rsa' | 'ed25519'

export interface Signature {
  readonly field: SignedField
  /** a=: 'rsa-sha256' */
  readonly algorithm: string
  readonly keyType: KeyType
  readonly domain: string
  readonly selector: string
  /** i=, where it is given. */
  readonly identityDomain: string | undefined
  readonly header: Canonicalization
  readonly body: Canonicalization
  /** In small letters, in the order of h=. */
  readonly signedNames: readonly string[]
  readonly bodyHash: Buffer
  readonly signature: Buffer
  /** The first characters of b=, which tell signatures of one domain apart (RFC 6008). */
  readonly tell: string
  /** l= */
  readonly bodyLength: number | undefined
  /** Seconds since 1970. */
  readonly expiresAt: number | undefined
}

export interface UnusableSignature {
  readonly field: SignedField
  readonly algorithm: string | undefined
  readonly domain: string | undefined
  readonly selector: string | undefined
  readonly tell: string | undefined
  readonly problem: string
}

const numbers = /^[0-9]{1,20}$/
const selectorName = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/i
const maxSelectorLength = 200
/** h= of more than any message has fields. */
const maxSignedText = 10_000

export function parseSignature(field: SignedField, kind: 'dkim' | 'arc'): Signature | UnusableSignature {
  const tags = parseTagList(field.value)
  const read = (name: string): string | undefined => tags?.get(name)
  const unusable = (problem: string): UnusableSignature => ({
    field,
    problem,
    algorithm: read('a'),
    domain: parseDnsName(read('d') ?? ''),
    selector: read('s'),
    tell: tellOf(read('b')),
  })
  if (!tags) return unusable('it is no list of tags')
  const missing = required[kind].find(name => !tags.has(name))
  if (missing !== undefined) return unusable(`it has no ${missing}=`)
  if (kind === 'dkim' && read('v') !== '1') return unusable('it has another version than 1')
  const algorithm = withoutBlanks(read('a') ?? '').toLowerCase()
  const keyType = keyTypes[algorithm]
  if (!keyType)
    return unusable(
      algorithm === 'rsa-sha1'
        ? 'rsa-sha1 is broken, and counts no more (RFC 8301)'
        : `the algorithm ${printable(algorithm)} is not known`,
    )
  const domain = parseDnsName(read('d') ?? '')
  if (domain === undefined) return unusable('d= is no domain')
  const selector = parseSelector(read('s') ?? '')
  if (selector === undefined) return unusable('s= is no selector')
  const forms = parseForms(read('c'))
  if (!forms) return unusable(`the canonicalization ${printable(read('c') ?? '')} is not known`)
  if ((read('h') ?? '').length > maxSignedText) return unusable('h= names more fields than a message has')
  const signedNames = splitAtColons(read('h') ?? '').map(name => name.toLowerCase())
  // §5.4: or anybody could write another one.
  if (!signedNames.includes('from')) return unusable('it does not cover the From field')
  const bodyHash = parseBase64(read('bh') ?? '')
  const text = withoutBlanks(read('b') ?? '')
  const signature = parseBase64(text)
  if (!bodyHash || !signature) return unusable('b= or bh= is no base64')
  const identity = kind === 'dkim' ? parseIdentity(read('i'), domain) : { domain: undefined }
  if ('problem' in identity) return unusable(identity.problem)
  // §3.5: q= is a list of ways to find the key, of which there is one.
  if (kind === 'dkim' && tags.has('q') && !splitAtColons(read('q') ?? '').includes('dns/txt'))
    return unusable('q= names no way to find the key that is known')
  const times = parseNumbers(tags)
  if ('problem' in times) return unusable(times.problem)
  return {
    field,
    algorithm,
    keyType,
    domain,
    selector,
    identityDomain: identity.domain,
    ...forms,
    signedNames,
    bodyHash,
    signature,
    tell: tellOf(text) ?? '',
    ...times,
  }
}

const required = {
  dkim: ['v', 'a', 'b', 'bh', 'd', 'h', 's'],
  arc: ['a', 'b', 'bh', 'd', 'h', 's'],
} as const

const keyTypes: Readonly<Record<string, KeyType>> = { 'rsa-sha256': 'rsa', 'ed25519-sha256': 'ed25519' }

export function keyTypeOf(algorithm: string): KeyType | undefined {
  return keyTypes[algorithm]
}

export function parseSelector(text: string): string | undefined {
  const selector = withoutBlanks(text)
  return selector.length <= maxSelectorLength && selectorName.test(selector)
    ? selector.toLowerCase()
    : undefined
}

function parseForms(
  text = 'simple/simple',
): { header: Canonicalization; body: Canonicalization } | undefined {
  const [header = '', body = 'simple', ...more] = withoutBlanks(text).toLowerCase().split('/')
  return isForm(header) && isForm(body) && more.length === 0 ? { header, body } : undefined
}

function isForm(text: string): text is Canonicalization {
  return text === 'simple' || text === 'relaxed'
}

/** §6.1.1: i= is in the domain of d=, or the signature is void. */
function parseIdentity(
  text: string | undefined,
  domain: string,
): { readonly domain: string | undefined } | { readonly problem: string } {
  if (text === undefined) return { domain: undefined }
  const at = text.lastIndexOf('@')
  const identityDomain = at < 0 ? undefined : parseDnsName(withoutBlanks(text.slice(at + 1)))
  return identityDomain !== undefined && isWithin(identityDomain, domain)
    ? { domain: identityDomain }
    : { problem: 'i= is not within the domain of d=' }
}

function parseNumbers(
  tags: TagList,
):
  | { readonly bodyLength: number | undefined; readonly expiresAt: number | undefined }
  | { readonly problem: string } {
  const wrong = ['l', 't', 'x'].find(name => tags.has(name) && !numbers.test(tags.get(name) ?? ''))
  if (wrong !== undefined) return { problem: `${wrong}= is no number` }
  const read = (name: string): number | undefined => {
    const text = tags.get(name)
    return text === undefined ? undefined : Number(text)
  }
  const signedAt = read('t')
  const expiresAt = read('x')
  if (signedAt !== undefined && expiresAt !== undefined && expiresAt <= signedAt)
    return { problem: 'it expires before it was made' }
  return { bodyLength: read('l'), expiresAt }
}

function tellOf(signature: string | undefined): string | undefined {
  return signature === undefined ? undefined : printable(withoutBlanks(signature).slice(0, 8))
}

function printable(text: string): string {
  return text.replaceAll(/[^!-~]/g, '?').slice(0, 40)
}
