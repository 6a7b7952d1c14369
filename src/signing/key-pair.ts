// Key pairs for signatures: made here, or brought along (RFC 6376 §3.3, RFC 8301 §3.2, RFC 8463).
import { createPrivateKey, createPublicKey, generateKeyPair, hash, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { UsageFault } from '../runtime/fault.ts'
import type { KeyAlgorithm, SigningKey } from './signing-key.ts'

export interface KeyPair {
  readonly algorithm: KeyAlgorithm
  /** PKCS #8, DER. */
  readonly privateKey: Uint8Array
  /** What its record has in p=: base64. */
  readonly publicKey: string
}

/** RFC 8301 §3.2: at least 2048 to be safe; longer ones do not fit into every receiver's idea of a DNS answer. */
const rsaBits = 2048
/** RFC 8301 §3.2: verifiers need not take more than 4096, and take nothing below 1024. */
const fewestRsaBits = 1024
const mostRsaBits = 4096
/** RFC 8410 §4: what stands before the 32 octets of the key. */
const ed25519PrefixBytes = 12

const generate = promisify(generateKeyPair)

/** Takes a moment of a processor, not of the event loop. */
export async function makeKeyPair(algorithm: KeyAlgorithm): Promise<KeyPair> {
  const { privateKey } =
    algorithm === 'rsa' ? await generate('rsa', { modulusLength: rsaBits }) : await generate('ed25519')
  return describe(privateKey, algorithm)
}

/** Throws a UsageFault that says what is wrong with it. */
export function readKeyPair(pem: string): KeyPair {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    // What OpenSSL says of it helps nobody, and may quote it.
    throw badKey(
      'it is no private key in PEM without a passphrase. It begins with "-----BEGIN PRIVATE KEY-----" or "-----BEGIN RSA PRIVATE KEY-----".',
    )
  }
  if (key.asymmetricKeyType === 'ed25519') return describe(key, 'ed25519')
  if (key.asymmetricKeyType !== 'rsa')
    throw badKey(`it is of the kind ${key.asymmetricKeyType ?? 'unknown'}; DKIM knows RSA and Ed25519.`)
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < fewestRsaBits || bits > mostRsaBits)
    throw badKey(
      `it has ${bits} bits, and receivers take from ${fewestRsaBits} to ${mostRsaBits} (RFC 8301). Have a new one made: "postrider domain dkim <domain> --rotate".`,
    )
  return describe(key, 'rsa')
}

function badKey(why: string): UsageFault {
  return new UsageFault('DKIM_BAD_KEY', `The key cannot be used: ${why}`)
}

function describe(privateKey: KeyObject, algorithm: KeyAlgorithm): KeyPair {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  // RFC 8463 §4.2: the bare key.
  const published = algorithm === 'rsa' ? spki : spki.subarray(ed25519PrefixBytes)
  return {
    algorithm,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }),
    publicKey: published.toString('base64'),
  }
}

export interface StoredKey {
  readonly domain: string
  readonly selector: string
  readonly algorithm: KeyAlgorithm
  readonly privateKey: Uint8Array
}

const signAside = promisify(
  (
    algorithm: string | null,
    data: Uint8Array,
    key: KeyObject,
    done: (error: Error | null, signature: Buffer) => void,
  ) => sign(algorithm, data, key, done),
)

/** Signs in the thread pool: RSA takes half a millisecond, in which others want to be served. */
export function openKey({ domain, selector, algorithm, privateKey }: StoredKey): SigningKey {
  const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' })
  return {
    domain,
    selector,
    algorithm,
    sign: bytes =>
      algorithm === 'rsa'
        ? signAside('sha256', bytes, key)
        : signAside(null, hash('sha256', bytes, 'buffer'), key),
  }
}
