// What a server keeps for SCRAM (RFC 5802 §3): two keys derived from the password, with which a client can be tested and
// nobody can log in. Kept as texts of RFC 5803: 'SCRAM-SHA-256$65536:<salt>$<StoredKey>:<ServerKey>'.
import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { decodeBase64 } from './mechanism.ts'
import { prepareText } from './prepare-text.ts'

export type ScramHash = 'SHA-256' | 'SHA-1'

const digests = { 'SHA-256': 'sha256', 'SHA-1': 'sha1' } as const
const digestBytes = { 'SHA-256': 32, 'SHA-1': 20 } as const

export interface ScramParameters {
  readonly salt: Uint8Array
  readonly iterations: number
}

/** Compared with what a client proves. */
export interface ScramKeys {
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

export interface ScramCredential extends ScramParameters, ScramKeys {
  readonly hash: ScramHash
}

/** What a client is told before its proof, and the keys that the proof may fit: an account may have several passwords. */
export interface ScramOffer<Verdict> extends ScramParameters {
  readonly keys: readonly ScramKeys[]
  /** What becomes of it; undefined: the proof fits none of them. */
  settle(keys: ScramKeys | undefined): Promise<Verdict>
}

/** RFC 7677 §4: fewer make it too easy to try passwords. More than the most nobody waits for. */
export const leastIterations = 4096
const mostIterations = 10_000_000

export function hashScram(hash: ScramHash, bytes: Uint8Array): Buffer {
  return createHash(digests[hash]).update(bytes).digest()
}

export function authenticateScram(hash: ScramHash, key: Uint8Array, text: string): Buffer {
  return createHmac(digests[hash], key).update(text).digest()
}

const derive = promisify(pbkdf2)

export async function deriveScramCredential(
  hash: ScramHash,
  password: string,
  { salt, iterations }: ScramParameters,
): Promise<ScramCredential> {
  const prepared = await prepareText(password)
  const salted = await derive(prepared, salt, iterations, digestBytes[hash], digests[hash])
  const clientKey = authenticateScram(hash, salted, 'Client Key')
  return {
    hash,
    salt,
    iterations,
    storedKey: hashScram(hash, clientKey),
    serverKey: authenticateScram(hash, salted, 'Server Key'),
  }
}

export function formatScramCredential({
  hash,
  iterations,
  salt,
  storedKey,
  serverKey,
}: ScramCredential): string {
  const [saltText, storedText, serverText] = [salt, storedKey, serverKey].map(bytes =>
    Buffer.from(bytes).toString('base64'),
  )
  return `SCRAM-${hash}$${iterations}:${saltText}$${storedText}:${serverText}`
}

export function parseScramCredential(text: string): ScramCredential | undefined {
  const [scheme, information = '', value = '', ...rest] = text.split('$')
  const hash = scheme === 'SCRAM-SHA-256' ? 'SHA-256' : scheme === 'SCRAM-SHA-1' ? 'SHA-1' : undefined
  const [iterationText = '', saltText = '', ...more] = information.split(':')
  const [storedText = '', serverText = '', ...others] = value.split(':')
  if (hash === undefined || rest.length + more.length + others.length > 0) return undefined
  const iterations = /^[1-9][0-9]{0,8}$/.test(iterationText) ? Number(iterationText) : 0
  const salt = decodeBase64(saltText)
  const storedKey = decodeBase64(storedText)
  const serverKey = decodeBase64(serverText)
  if (iterations < leastIterations || iterations > mostIterations) return undefined
  if (!salt || salt.length < 8 || salt.length > 64) return undefined
  if (storedKey?.length !== digestBytes[hash] || serverKey?.length !== digestBytes[hash]) return undefined
  return { hash, iterations, salt, storedKey, serverKey }
}
