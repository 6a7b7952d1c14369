// The TLSA record that says of a server which key it has (RFC 6698, RFC 7672 §3.1): 3 1 1, the digest of the key, which
// stays right when the certificate is renewed for the same key.
import { createHash, createPublicKey, type KeyLike, X509Certificate } from 'node:crypto'

/** '3 1 1 1a2b…' */
export function tlsaOfKey(privateOrPublicKey: KeyLike): string {
  const key = createPublicKey(privateOrPublicKey).export({ type: 'spki', format: 'der' })
  return `3 1 1 ${createHash('sha256').update(key).digest('hex')}`
}

/** PEM, the server's own first. */
export function tlsaOfCertificate(certificatePem: string): string {
  const key = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' })
  return `3 1 1 ${createHash('sha256').update(key).digest('hex')}`
}

/** RFC 7672 §3.1.3. Others deliver to the port 25 of an MX, whichever port this server has behind a router. */
export function tlsaNameOf(host: string): string {
  return `_25._tcp.${host}`
}

/** A record of the DNS, as the others here write it. */
export function formatTlsa(record: {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly data: Uint8Array
}): string {
  const { usage, selector, matchingType, data } = record
  return `${usage} ${selector} ${matchingType} ${Buffer.from(data).toString('hex')}`
}
