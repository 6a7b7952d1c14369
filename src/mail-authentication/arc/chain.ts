// ARC: what servers on the way have found before they changed the message, sealed by each (RFC 8617 §4, §5.2).

import { removeComments } from '../../message/comments.ts'
import { type ParsedResults, parseAuthenticationResults } from '../authentication-results.ts'
import {
  type KeyType,
  keyTypeOf,
  parseSelector,
  parseSignature,
  type Signature,
  type UnusableSignature,
} from '../dkim/signature.ts'
import type { SignedField, SignedHeader } from '../dkim/signed-header.ts'
import { parseDnsName } from '../domain-names.ts'
import { parseBase64, parseTagList, withoutBlanks } from '../tag-list.ts'

export interface Seal {
  readonly domain: string
  readonly selector: string
  readonly keyType: KeyType
  /** cv= */
  readonly chain: 'none' | 'pass' | 'fail'
  readonly signature: Buffer
}

export interface ArcSet {
  readonly instance: number
  readonly seal: Seal
  readonly sealField: SignedField
  readonly messageSignatureField: SignedField
  readonly resultsField: SignedField
}

export type ArcChain =
  | { readonly kind: 'none' }
  | { readonly kind: 'broken'; readonly problem: string }
  | { readonly kind: 'chain'; readonly sets: readonly ArcSet[]; readonly messageSignature: Signature }

/** §4.2.1 */
export const maxSets = 50

const sealName = 'arc-seal'
const messageSignatureName = 'arc-message-signature'
const resultsName = 'arc-authentication-results'

/** The sets of a message, complete and in their order, before anything is verified (§5.2, steps 1 to 3). */
export function readChain(header: SignedHeader): ArcChain {
  const named = [sealName, messageSignatureName, resultsName].map(name => header.named(name))
  if (named.every(fields => fields.length === 0)) return { kind: 'none' }
  if (named.some(fields => fields.length > maxSets)) return broken(`it has more than ${maxSets} sets`)
  const [seals, signatures, results] = named.map(byInstance)
  if (!seals || !signatures || !results)
    return broken('a field of it has no instance, or another one has the same')
  if (seals.size !== signatures.size || seals.size !== results.size)
    return broken('a set of it is not complete')
  const sets: ArcSet[] = []
  for (let instance = 1; instance <= seals.size; instance++) {
    const [sealField, messageSignatureField, resultsField] = [seals, signatures, results].map(fields =>
      fields.get(instance),
    )
    if (!sealField || !messageSignatureField || !resultsField)
      return broken(`set ${instance} is not complete`)
    const seal = parseSeal(sealField)
    if ('problem' in seal) return broken(`the seal of set ${instance} cannot be read: ${seal.problem}`)
    sets.push({ instance, seal, sealField, messageSignatureField, resultsField })
  }
  return judge(sets)
}

function judge(sets: readonly ArcSet[]): ArcChain {
  const newest = sets.at(-1)
  if (!newest) return { kind: 'none' }
  if (newest.seal.chain === 'fail') return broken('a server on the way has found it broken (cv=fail)')
  // §5.2 step 3: the first one has found no chain, each other a good one.
  const wrong = sets.find(({ instance, seal }) => seal.chain !== (instance === 1 ? 'none' : 'pass'))
  if (wrong) return broken(`set ${wrong.instance} says cv=${wrong.seal.chain}`)
  const messageSignature: Signature | UnusableSignature = parseSignature(newest.messageSignatureField, 'arc')
  if ('problem' in messageSignature)
    return broken(
      `the message signature of set ${newest.instance} cannot be read: ${messageSignature.problem}`,
    )
  // §4.1.2
  if (messageSignature.signedNames.includes(sealName))
    return broken(`the message signature of set ${newest.instance} covers a seal`)
  return { kind: 'chain', sets, messageSignature }
}

function broken(problem: string): ArcChain {
  return { kind: 'broken', problem }
}

/** undefined: one has none, or two have the same. */
function byInstance(fields: readonly SignedField[]): ReadonlyMap<number, SignedField> | undefined {
  const found = new Map<number, SignedField>()
  for (const field of fields) {
    const instance = instanceOf(field)
    if (instance === undefined || found.has(instance)) return undefined
    found.set(instance, field)
  }
  return found
}

export interface NewestSet {
  /** The highest that any field of ARC has; 0 without one. */
  readonly instance: number
  /** Whoever sealed it last has found the chain broken (cv=fail). */
  readonly saysBroken: boolean
}

/** For whoever adds a set, whatever the chain is worth (§5.1, steps 2 and 3). */
export function findNewestSet(header: SignedHeader): NewestSet {
  const fields = [sealName, messageSignatureName, resultsName].flatMap(name => header.named(name))
  const instance = fields.reduce((newest, field) => Math.max(newest, instanceOf(field) ?? 0), 0)
  const saysBroken = header
    .named(sealName)
    .some(field => instanceOf(field) === instance && readTag(field, 'cv').toLowerCase() === 'fail')
  return { instance, saysBroken }
}

function readTag({ value }: SignedField, name: string): string {
  return withoutBlanks(parseTagList(value)?.get(name) ?? '')
}

const instanceValue = /^[0-9]{1,2}$/

function instanceOf({ name, value }: SignedField): number | undefined {
  // Of results it is the first thing, before what anybody else may have called i= (§4.1.1).
  const text =
    name === resultsName
      ? /^[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*([0-9]{1,2})[ \t\r\n]*;/.exec(removeComments(value))?.[1]
      : parseTagList(value)?.get('i')
  if (text === undefined || !instanceValue.test(text)) return undefined
  const instance = Number(text)
  return instance >= 1 && instance <= maxSets ? instance : undefined
}

/** What the server that made the set had found; behind the instance it is as any Authentication-Results (§4.1.1). */
export function resultsOf({ resultsField }: ArcSet): ParsedResults | undefined {
  const value = removeComments(resultsField.value.slice(0, maxResultsLength))
  return parseAuthenticationResults(value.slice(value.indexOf(';') + 1))
}

/** Whatever stands behind it is not looked at. */
const maxResultsLength = 4000

/** §4.1.3 */
function parseSeal({ value }: SignedField): Seal | { readonly problem: string } {
  const tags = parseTagList(value)
  if (!tags) return { problem: 'it is no list of tags' }
  const read = (name: string): string => tags.get(name) ?? ''
  // It covers the ARC fields and nothing else, and says neither.
  if (tags.has('h') || tags.has('bh'))
    return { problem: 'it names fields or a body, which it does not cover' }
  const keyType = keyTypeOf(withoutBlanks(read('a')).toLowerCase())
  if (!keyType) return { problem: 'its algorithm is not known' }
  const domain = parseDnsName(read('d'))
  const selector = parseSelector(read('s'))
  if (domain === undefined || selector === undefined) return { problem: 'd= or s= is no name' }
  const chain = withoutBlanks(read('cv')).toLowerCase()
  if (chain !== 'none' && chain !== 'pass' && chain !== 'fail')
    return { problem: 'cv= is none of what it can be' }
  const signature = parseBase64(read('b'))
  return signature ? { domain, selector, keyType, chain, signature } : { problem: 'b= is no base64' }
}

/** What the seal of a set covers: all sets up to it, relaxed, itself last and without its value (§5.1.1). */
export function sealedText(sets: readonly ArcSet[], instance: number): string {
  let text = ''
  for (const set of sets.slice(0, instance)) {
    text += set.resultsField.canonical('relaxed')
    text += set.messageSignatureField.canonical('relaxed')
    text +=
      set.instance === instance ? set.sealField.canonicalOwn('relaxed') : set.sealField.canonical('relaxed')
  }
  return text
}
