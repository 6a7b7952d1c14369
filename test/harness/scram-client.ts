// The client's side of SCRAM (RFC 5802), with what it says open to change.
import { pbkdf2Sync } from 'node:crypto'
import { authenticateScram, hashScram, type ScramHash } from '../../src/sasl/scram-keys.ts'

export interface ScramClientOptions {
  readonly name: string
  readonly password: string
  readonly hash?: ScramHash
  /** 'p=tls-exporter,,' */
  readonly gs2Header?: string
  /** What it takes for the binding of its TLS connection. */
  readonly bindingData?: Uint8Array
}

export interface ScramClient {
  /** The client-first-message. */
  readonly first: string
  /** The client-final-message. */
  answer(serverFirst: string): string
  /** The server-final-message that proves the server; after `answer`. */
  readonly expected: string
}

export function createScramClient(options: ScramClientOptions): ScramClient {
  const { name, password, hash = 'SHA-256', gs2Header = 'n,,', bindingData = Buffer.alloc(0) } = options
  const bare = `n=${name},r=client-nonce`
  const [digest, length] = hash === 'SHA-256' ? (['sha256', 32] as const) : (['sha1', 20] as const)
  let expected = ''
  return {
    first: gs2Header + bare,
    answer(serverFirst) {
      const [, nonce = '', salt = '', iterations = ''] =
        /^r=([^,]+),s=([^,]+),i=([0-9]+)$/.exec(serverFirst) ?? []
      const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), length, digest)
      const clientKey = authenticateScram(hash, salted, 'Client Key')
      const binding = Buffer.concat([Buffer.from(gs2Header), bindingData]).toString('base64')
      const withoutProof = `c=${binding},r=${nonce}`
      const dialogue = `${bare},${serverFirst},${withoutProof}`
      const signature = authenticateScram(hash, hashScram(hash, clientKey), dialogue)
      const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
      const serverKey = authenticateScram(hash, salted, 'Server Key')
      expected = `v=${authenticateScram(hash, serverKey, dialogue).toString('base64')}`
      return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`
    },
    get expected() {
      return expected
    },
  }
}
