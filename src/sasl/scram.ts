// SCRAM (RFC 5802, RFC 7677): the client proves that it knows the password, and the server that it has its keys; the
// password itself never comes here. With -PLUS both prove it for this TLS connection only.
import { timingSafeEqual } from 'node:crypto'
import { type ChannelBindingType, channelBindingTypes } from './channel-binding.ts'
import { type Gs2Header, readGs2Header, readName, readValue } from './gs2-header.ts'
import {
  clientFirst,
  decodeBase64,
  decodeUtf8,
  type SaslConnection,
  type SaslMechanism,
  type SaslStep,
} from './mechanism.ts'
import {
  authenticateScram,
  hashScram,
  type ScramHash,
  type ScramKeys,
  type ScramOffer,
} from './scram-keys.ts'

export type ScramForm = 'plain' | 'plus'

export function createScram(hash: ScramHash, form: ScramForm): SaslMechanism {
  return {
    name: `SCRAM-${hash}${form === 'plus' ? '-PLUS' : ''}`,
    start: clientFirst((message, connection) => readFirst(message, { hash, form, connection })),
  }
}

interface Scram {
  readonly hash: ScramHash
  readonly form: ScramForm
  readonly connection: SaslConnection
}

/** The client-first-message. */
interface First extends Gs2Header {
  /** 'n,,': the client repeats it, so that nobody can have changed it on the way. */
  readonly gs2Header: string
  readonly bare: string
  readonly name: string
  readonly nonce: string
}

const malformed: SaslStep = { kind: 'malformed' }

function readFirst(message: Buffer, scram: Scram): SaslStep {
  const first = parseFirst(message)
  if (!first) return malformed
  const { name, identity, binding } = first
  // RFC 5802 §6: the mechanism and what the message says of channel binding have to agree.
  if ((scram.form === 'plus') !== (binding.kind === 'p')) return malformed
  if (binding.kind === 'y' && scram.connection.offersChannelBinding)
    return { kind: 'denied', problem: 'channel-binding-hidden', name }
  const bindingData =
    binding.kind === 'p' && isBindingType(binding.type)
      ? scram.connection.channelBinding(binding.type)
      : undefined
  if (binding.kind === 'p' && !bindingData) return { kind: 'denied', problem: 'channel-binding', name }
  // Nobody acts for somebody else here.
  if (identity !== '' && identity !== name) return { kind: 'denied', problem: 'other-identity', name }
  return {
    kind: 'scram',
    name,
    hash: scram.hash,
    next: offer => challenge(scram.hash, first, bindingData, offer, scram.connection.nonce()),
  }
}

function challenge(
  hash: ScramHash,
  first: First,
  bindingData: Uint8Array | undefined,
  offer: ScramOffer<unknown>,
  ownNonce: string,
): SaslStep {
  const nonce = first.nonce + ownNonce
  const serverFirst = `r=${nonce},s=${Buffer.from(offer.salt).toString('base64')},i=${offer.iterations}`
  const expectedBinding = Buffer.concat([Buffer.from(first.gs2Header), bindingData ?? Buffer.alloc(0)])
  return {
    kind: 'challenge',
    data: serverFirst,
    next: answer => {
      const final = parseFinal(answer)
      if (!final) return malformed
      // §5.1: what was said before is repeated, and what it repeats is signed.
      if (final.nonce !== nonce) return malformed
      if (!equals(final.binding, expectedBinding))
        return { kind: 'denied', problem: 'channel-binding', name: first.name }
      const dialogue = `${first.bare},${serverFirst},${final.withoutProof}`
      const keys = findProven(hash, offer.keys, final.proof, dialogue)
      const signature = authenticateScram(hash, (keys ?? nobody).serverKey, dialogue)
      return { kind: 'scram-proof', keys, data: `v=${signature.toString('base64')}` }
    },
  }
}

const nobody: ScramKeys = { storedKey: Buffer.alloc(0), serverKey: Buffer.alloc(0) }

// Each is tried, whichever it is that fits.
function findProven(
  hash: ScramHash,
  candidates: readonly ScramKeys[],
  proof: Buffer,
  dialogue: string,
): ScramKeys | undefined {
  let proven: ScramKeys | undefined
  for (const keys of candidates) {
    const signature = authenticateScram(hash, keys.storedKey, dialogue)
    if (proof.length !== signature.length) continue
    const clientKey = proof.map((byte, index) => byte ^ (signature[index] ?? 0))
    if (equals(hashScram(hash, clientKey), keys.storedKey)) proven = keys
  }
  return proven
}

function equals(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function isBindingType(text: string): text is ChannelBindingType {
  return channelBindingTypes.some(type => type === text)
}

/** §7: printable ASCII without the comma. */
const noncePattern = /^[!-+\--~]+$/

function parseFirst(message: Buffer): First | undefined {
  const text = decodeUtf8(message)
  if (text === undefined || text.includes('\0')) return undefined
  const [flag = '', identityText = '', ...attributes] = text.split(',')
  const gs2Header = `${flag},${identityText},`
  const header = readGs2Header(gs2Header)
  const [nameText = '', nonceText = ''] = attributes
  // A mandatory extension ('m=') would stand where the name is: RFC 5802 §5.1 wants it refused.
  const name = readName(nameText, 'n')
  const nonce = readValue(nonceText, 'r')
  if (!header || !name || nonce === undefined || !noncePattern.test(nonce)) return undefined
  return { ...header, gs2Header, bare: attributes.join(','), name, nonce }
}

/** The client-final-message. */
interface Final {
  readonly binding: Buffer
  readonly nonce: string
  readonly proof: Buffer
  readonly withoutProof: string
}

function parseFinal(message: Buffer): Final | undefined {
  const text = decodeUtf8(message)
  const end = text?.lastIndexOf(',p=') ?? -1
  if (text === undefined || end < 0) return undefined
  const withoutProof = text.slice(0, end)
  const [bindingText = '', nonceText = ''] = withoutProof.split(',')
  const binding = decodeBase64(readValue(bindingText, 'c') ?? '')
  const nonce = readValue(nonceText, 'r')
  const proof = decodeBase64(text.slice(end + ',p='.length))
  if (!binding || binding.length === 0 || nonce === undefined || !proof || proof.length === 0)
    return undefined
  return { binding, nonce, proof, withoutProof }
}
