// Signatures and seals by a library that we have not written.
import { generateKeyPairSync } from 'node:crypto'
import { dkimSign, sealMessage } from 'mailauth'

export interface Signer {
  readonly domain: string
  readonly selector: string
  /** The TXT record of the key, and the name at which it belongs. */
  readonly keyName: string
  readonly keyRecord: string
  /** The message with a signature on top. */
  sign(message: string, options?: SignOptions): Promise<string>
  /** The message with one more ARC set, which says what this server had found. */
  seal(message: string, found: { readonly chain: 'none' | 'pass'; readonly results: string }): Promise<string>
}

export interface SignOptions {
  readonly canonicalization?: string
  /** l= */
  readonly maxBodyLength?: number
  readonly expires?: Date
}

export function createSigner(
  domain: string,
  {
    selector = 's1',
    type = 'rsa',
    bits = 2048,
  }: { selector?: string; type?: 'rsa' | 'ed25519'; bits?: number } = {},
): Signer {
  const { privateKey, publicKey } =
    type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: bits }) : generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  // RFC 8463 §4: the 32 octets of the key alone.
  const data = (type === 'rsa' ? spki : spki.subarray(-32)).toString('base64')
  const key = { signingDomain: domain, selector, privateKey: pem }
  return {
    domain,
    selector,
    keyName: `${selector}._domainkey.${domain}`,
    keyRecord: `v=DKIM1; k=${type}; p=${data}`,
    async sign(message, { canonicalization = 'relaxed/relaxed', maxBodyLength, expires } = {}) {
      const { signatures, errors } = await dkimSign(message, {
        canonicalization,
        algorithm: `${type}-sha256`,
        ...key,
        ...(expires ? { expires } : {}),
        signatureData: [{ ...key, ...(maxBodyLength === undefined ? {} : { maxBodyLength }) }],
      })
      if (errors.length > 0) throw new Error(`not signed: ${JSON.stringify(errors)}`)
      return signatures + message
    },
    async seal(message, { chain, results }) {
      const fields = await sealMessage(Buffer.from(message, 'latin1'), {
        ...key,
        authResults: results,
        cv: chain,
      })
      return fields.toString('latin1') + message
    },
  }
}
