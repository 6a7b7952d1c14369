// Is the chain whole (RFC 8617 §5.2, steps 4 and 6)? Whatever is not is a fail: there is no temporary one (§5.2).
import { setImmediate as afterOthers } from 'node:timers/promises'
import type { ParsedResult } from '../authentication-results.ts'
import type { KeyRing } from '../dkim/key.ts'
import type { KeyType } from '../dkim/signature.ts'
import { describeUncoveredBody, problemOfBody, type Verification, verifyText } from '../dkim/verify.ts'
import { isWithin } from '../domain-names.ts'
import { type ArcChain, type ArcSet, resultsOf, sealedText } from './chain.ts'

export interface ArcEvidence {
  readonly result: 'none' | 'pass' | 'fail'
  readonly problem?: string | undefined
  /** Who sealed it, the first one first. */
  readonly sealers?: readonly string[] | undefined
  /** The sealer whose word was taken, and what it had found of DMARC. */
  readonly trusted?: string | undefined
}

export async function verifyChain(chain: ArcChain, verification: Verification): Promise<ArcEvidence> {
  if (chain.kind === 'none') return { result: 'none' }
  if (chain.kind === 'broken') return { result: 'fail', problem: chain.problem }
  const { sets, messageSignature } = chain
  const sealers = sets.map(({ seal }) => seal.domain)
  const fail = (problem: string): ArcEvidence => ({ result: 'fail', problem, sealers })
  const { keys, header, hashes } = verification
  const name = `the message signature of set ${sets.length}`
  const bodyProblem = problemOfBody(messageSignature, hashes)
  if (bodyProblem !== undefined) return fail(`${name}: ${bodyProblem}`)
  const text = header.canonicalText(
    messageSignature.signedNames,
    messageSignature.field,
    messageSignature.header,
  )
  const problem = await problemOf(keys, messageSignature, text)
  if (problem !== undefined) return fail(`${name}: ${problem}`)
  const uncovered = describeUncoveredBody(messageSignature, hashes)
  if (uncovered !== undefined) return fail(`${name}: ${uncovered}`)
  for (const { instance, seal } of sets.toReversed()) {
    const sealProblem = await problemOf(keys, seal, sealedText(sets, instance))
    if (sealProblem !== undefined) return fail(`the seal of set ${instance}: ${sealProblem}`)
    // Fifty seals over a large header section are more than others should wait for.
    if (instance > 1) await afterOthers()
  }
  return { result: 'pass', sealers }
}

interface Signed {
  readonly selector: string
  readonly domain: string
  readonly keyType: KeyType
  readonly signature: Buffer
}

/** undefined: it verifies. */
async function problemOf(keys: KeyRing, signed: Signed, text: string): Promise<string | undefined> {
  const { keyType, signature } = signed
  const found = await keys.find(signed)
  if (found.kind !== 'key') return found.problem
  if (found.key.type !== keyType) return `the key is of the type ${found.key.type}, not ${keyType}`
  return verifyText(found.key, text, signature) ? undefined : 'what it covers was changed'
}

/**
 * The first good result for the author's domain that a trusted sealer wrote down, from the newest set back for as long as the
 * sealers are trusted: whoever sealed later could have made up what stands before (§5.2, §7.2). 'none': the domain has no DMARC
 * record, so nobody has a result of DMARC for it; what would be aligned proves it then (RFC 9989 §4.4).
 */
export function findTrustedPass(
  sets: readonly ArcSet[],
  isTrusted: (domain: string) => boolean,
  authorDomain: string,
  dmarc: 'fail' | 'none',
): string | undefined {
  for (const set of sets.toReversed()) {
    const { seal } = set
    if (!isTrusted(seal.domain)) return undefined
    const isPass = dmarc === 'none' ? isProofOf : isPassFor
    if (resultsOf(set)?.results.some(result => isPass(result, authorDomain))) return seal.domain
  }
  return undefined
}

function isPassFor({ method, result, properties }: ParsedResult, authorDomain: string): boolean {
  return (
    method === 'dmarc' &&
    result === 'pass' &&
    (properties.get('header.from') ?? '').toLowerCase() === authorDomain
  )
}

function isProofOf({ method, result, properties }: ParsedResult, authorDomain: string): boolean {
  const name = method === 'dkim' ? 'header.d' : method === 'spf' ? 'smtp.mailfrom' : undefined
  if (name === undefined || result !== 'pass') return false
  const proven = (properties.get(name) ?? '').toLowerCase()
  return isWithin(proven.slice(proven.lastIndexOf('@') + 1), authorDomain)
}
