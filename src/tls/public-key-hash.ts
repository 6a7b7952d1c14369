// The digest of a certificate's public key, as TLSA records have it (RFC 6698 §2.1: selector 1, matching type 1).
import { createHash, X509Certificate } from 'node:crypto'

/** In hex. Throws when the text is no certificate; of a chain the first counts. */
export function publicKeyHash(certificatePem: string): string {
  const { publicKey } = new X509Certificate(certificatePem)
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}
