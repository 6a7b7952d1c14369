// Public keys in the DNS (RFC 6376 §3.6, RFC 8301, RFC 8463).
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { AuthenticationDns } from '../bounded-dns.ts'
import { remember } from '../remember.ts'
import { parseBase64, parseTagList, splitAtColons } from '../tag-list.ts'
import type { KeyType } from './signature.ts'

export interface DkimKey {
  readonly type: KeyType
  readonly key: KeyObject
  /** Of RSA. */
  readonly bits: number | undefined
  /** t=y: the domain tries it out; a signature is worth what it would be without (§3.6.1). */
  readonly isTesting: boolean
  /** t=s: i= names the very domain of d=. */
  readonly isStrict: boolean
}

export type FoundKey =
  | { readonly kind: 'key'; readonly key: DkimKey }
  | { readonly kind: 'temporary-failure' | 'unusable'; readonly problem: string }

// RFC 8301 §3.2: shorter ones are no longer accepted, and 4096 is the longest that everybody takes.
const minBits = 1024
const maxBits = 8192
/** The base64 of a key of so many bits, generously. */
const maxKeyText = 4096
/** Real ones are 3 or 65537; with a long one a verification takes as long as a hundred. */
const maxExponentBits = 32n

/** The keys of one message: each is asked for once, and best before it is needed. */
export class KeyRing {
  readonly #dns: AuthenticationDns
  readonly #found = new Map<string, Promise<FoundKey>>()

  constructor(dns: AuthenticationDns) {
    this.#dns = dns
  }

  find({ selector, domain }: { readonly selector: string; readonly domain: string }): Promise<FoundKey> {
    const name = `${selector}._domainkey.${domain}`
    const found = this.#found.get(name) ?? findKey(this.#dns, name)
    this.#found.set(name, found)
    return found
  }
}

async function findKey(dns: AuthenticationDns, name: string): Promise<FoundKey> {
  const answer = await dns.txt(name)
  switch (answer.kind) {
    case 'temporary-failure':
      return {
        kind: 'temporary-failure',
        problem: `the key ${name} could not be looked up: ${answer.detail}`,
      }
    case 'no-such-domain':
    case 'no-data':
      return { kind: 'unusable', problem: `there is no key ${name} in the DNS` }
    case 'found': {
      // §3.6.2.2: there should be one; whatever else stands there is passed over.
      const keys = answer.records.slice(0, maxRecords).map(readKey)
      return (
        keys.find(found => found.kind === 'key') ??
        keys[0] ?? { kind: 'unusable', problem: `there is no key ${name} in the DNS` }
      )
    }
    default:
      return answer satisfies never
  }
}

const maxRecords = 4

/** To read a key costs half as much as to verify with it. */
const readKey = remember(parseKey)

export function parseKey(record: string): FoundKey {
  const unusable = (problem: string): FoundKey => ({
    kind: 'unusable',
    problem: `the key in the DNS ${problem}`,
  })
  const tags = parseTagList(record)
  if (!tags) return unusable('is no list of tags')
  const read = (name: string): string | undefined => tags.get(name)
  const [first] = tags.keys()
  if (tags.has('v') && (first !== 'v' || read('v') !== 'DKIM1')) return unusable('is of another version')
  const type = (read('k') ?? 'rsa').toLowerCase()
  if (type !== 'rsa' && type !== 'ed25519') return unusable('is of a type that is not known')
  const hashes = read('h')
  if (hashes !== undefined && !splitAtColons(hashes).includes('sha256')) return unusable('is not for SHA-256')
  const services = splitAtColons(read('s') ?? '*')
  if (!services.includes('*') && !services.includes('email')) return unusable('is not for mail')
  const data = read('p')
  if (data === undefined) return unusable('has no p=')
  if (data === '') return unusable('was revoked (p= is empty)')
  if (data.length > maxKeyText) return unusable('is longer than any key')
  const bytes = parseBase64(data)
  const key = bytes && importKey(type, bytes)
  if (!key) return unusable('cannot be read')
  const { modulusLength: bits, publicExponent } = key.asymmetricKeyDetails ?? {}
  if (type === 'rsa' && (bits === undefined || bits < minBits))
    return unusable(`has ${bits ?? 0} bits, and needs ${minBits} at least (RFC 8301)`)
  if (type === 'rsa' && (bits ?? 0) > maxBits)
    return unusable(`has ${bits} bits; more than ${maxBits} are not taken`)
  if (publicExponent !== undefined && publicExponent >= 1n << maxExponentBits)
    return unusable('has an exponent that is longer than any')
  const flags = splitAtColons(read('t') ?? '').map(flag => flag.toLowerCase())
  return {
    kind: 'key',
    key: { type, key, bits, isTesting: flags.includes('y'), isStrict: flags.includes('s') },
  }
}

function importKey(type: KeyType, bytes: Buffer): KeyObject | undefined {
  try {
    if (type === 'ed25519')
      return createPublicKey({
        key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') },
        format: 'jwk',
      })
    const key = tryImport(bytes, 'spki') ?? tryImport(bytes, 'pkcs1')
    return key?.asymmetricKeyType === 'rsa' ? key : undefined
  } catch {
    return undefined // what a stranger published is no key
  }
}

/** RFC 6376 §3.6.1 shows the one, its errata and some signers have the other. */
function tryImport(key: Buffer, type: 'spki' | 'pkcs1'): KeyObject | undefined {
  try {
    return createPublicKey({ key, type, format: 'der' })
  } catch {
    return undefined // the other one, perhaps
  }
}
