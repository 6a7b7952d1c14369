// DKIM: which domains take responsibility for the message (RFC 6376 §6.1).
import { createHash, verify } from 'node:crypto'
import { BodyHashes, type BodyHashWish } from './body-hashes.ts'
import type { DkimKey, KeyRing } from './key.ts'
import { parseSignature, type Signature, type UnusableSignature } from './signature.ts'
import type { SignedHeader } from './signed-header.ts'

export type DkimResult = 'pass' | 'fail' | 'policy' | 'temperror' | 'permerror'

export interface DkimEvidence {
  /** 'fail': somebody changed the message, or it is expired. 'policy': it verifies, and is not taken all the same. */
  readonly result: DkimResult
  readonly domain?: string | undefined
  readonly selector?: string | undefined
  readonly algorithm?: string | undefined
  readonly keyBits?: number | undefined
  /** The first characters of b=. */
  readonly tell?: string | undefined
  /** Why it does not count. */
  readonly problem?: string | undefined
  readonly isTesting?: true | undefined
}

/** Of one message; more signatures than this are not looked at: each costs its senders nothing, and us a key and a hash. */
export const maxSignatures = 10

export type ParsedSignature = Signature | UnusableSignature

export function isUsable(signature: ParsedSignature): signature is Signature {
  return 'keyType' in signature
}

/** Those that are looked at, and how many are not. Signatures of `preferred` come first, then those that are on top. */
export function chooseSignatures(
  header: SignedHeader,
  isPreferred: (domain: string) => boolean,
): { readonly signatures: readonly ParsedSignature[]; readonly passedOver: number } {
  const fields = header.named('dkim-signature').slice(0, maxParsed)
  const parsed = fields.map(field => parseSignature(field, 'dkim'))
  const rank = ({ domain }: ParsedSignature): number => (domain !== undefined && isPreferred(domain) ? 0 : 1)
  const chosen = parsed.toSorted((a, b) => rank(a) - rank(b)).slice(0, maxSignatures)
  return { signatures: chosen, passedOver: header.named('dkim-signature').length - chosen.length }
}

/** To choose among; beyond this not even their tags are read. */
const maxParsed = 50

export function wishOf({ body, bodyLength }: Signature): BodyHashWish {
  return { canonicalization: body, length: bodyLength }
}

export function hashesFor(signatures: readonly ParsedSignature[]): BodyHashes {
  return new BodyHashes(signatures.filter(isUsable).map(wishOf))
}

export interface Verification {
  readonly keys: KeyRing
  readonly header: SignedHeader
  /** Finished. */
  readonly hashes: BodyHashes
  /** ms since 1970. */
  readonly at: number
}

export async function verifySignature(
  parsed: ParsedSignature,
  verification: Verification,
): Promise<DkimEvidence> {
  const { algorithm, domain, selector, tell } = parsed
  const facts = { algorithm, domain, selector, tell }
  if (!isUsable(parsed)) return { ...facts, result: 'permerror', problem: parsed.problem }
  const { keys, header, hashes, at } = verification
  const problem = problemOfBody(parsed, hashes)
  if (problem !== undefined) return { ...facts, result: 'fail', problem }
  const found = await keys.find(parsed)
  if (found.kind !== 'key') {
    const result = found.kind === 'temporary-failure' ? 'temperror' : 'permerror'
    return { ...facts, result, problem: found.problem }
  }
  const { key } = found
  const ofKey = { ...facts, keyBits: key.bits, ...(key.isTesting ? ({ isTesting: true } as const) : {}) }
  if (key.type !== parsed.keyType)
    return {
      ...ofKey,
      result: 'permerror',
      problem: `the key is of the type ${key.type}, not ${parsed.keyType}`,
    }
  if (key.isStrict && parsed.identityDomain !== undefined && parsed.identityDomain !== parsed.domain)
    return {
      ...ofKey,
      result: 'permerror',
      problem: 'the key is for its very domain, and i= names one below it',
    }
  const text = header.canonicalText(parsed.signedNames, parsed.field, parsed.header)
  if (!verifyText(key, text, parsed.signature))
    return { ...ofKey, result: 'fail', problem: 'a header field that it covers was changed' }
  // §6.1.1: looked at after the rest, so that the trail says of an old message whether it was a true one.
  if (parsed.expiresAt !== undefined && parsed.expiresAt * 1000 < at)
    return { ...ofKey, result: 'fail', problem: 'it is valid no longer' }
  const uncovered = describeUncoveredBody(parsed, hashes) ?? describeAddedField(parsed, header)
  return uncovered === undefined
    ? { ...ofKey, result: 'pass' }
    : { ...ofKey, result: 'policy', problem: uncovered }
}

/** undefined: the body is the one that was signed. */
export function problemOfBody(signature: Signature, hashes: BodyHashes): string | undefined {
  const found = hashes.find(wishOf(signature))
  if (!found) return 'the body was not read'
  // §3.5: l= must not be more than there is.
  if (signature.bodyLength !== undefined && signature.bodyLength > found.bodyLength)
    return 'the body is shorter than the signature says'
  return found.hash.equals(signature.bodyHash) ? undefined : 'the body was changed'
}

/** undefined: it covers the body to its end (§8.2: behind what l= covers anybody could have written anything). */
export function describeUncoveredBody(signature: Signature, hashes: BodyHashes): string | undefined {
  const { bodyLength } = signature
  const total = hashes.find(wishOf(signature))?.bodyLength ?? 0
  return bodyLength === undefined || bodyLength === total
    ? undefined
    : `it covers ${bodyLength} of the ${total} octets of the body (l=); the rest could be anybody's`
}

/** §8.15: of two fields a signature covers the lower one, and programs show the upper one. */
function describeAddedField(signature: Signature, header: SignedHeader): string | undefined {
  const added = header.findAdded(signature.signedNames)
  return added === undefined
    ? undefined
    : `there are more fields ${added} than it covers; the one that is shown could be anybody's`
}

/** `text` is latin1. RFC 8463 §3: Ed25519 signs the hash. */
export function verifyText({ type, key }: DkimKey, text: string, signature: Buffer): boolean {
  try {
    const bytes = Buffer.from(text, 'latin1')
    return type === 'rsa'
      ? verify('sha256', bytes, key, signature)
      : verify(null, createHash('sha256').update(bytes).digest(), key, signature)
  } catch {
    return false // a signature that the key cannot even be held against
  }
}
