// Channel bindings (RFC 5056): bytes that only the two ends of one TLS connection have in common, so that nobody in the
// middle can hand on what a client proves.
import { createHash, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

/** RFC 9266; RFC 5929 §4. 'tls-unique' is none of them: TLS 1.3 does not have it (RFC 8446 appendix C.5). */
export type ChannelBindingType = 'tls-exporter' | 'tls-server-end-point'

export const channelBindingTypes: readonly ChannelBindingType[] = ['tls-exporter', 'tls-server-end-point']

/** RFC 9266 §2 */
const exporterLabel = 'EXPORTER-Channel-Binding'
const exporterBytes = 32

/** Of the server's end of a connection, after the handshake; undefined: it has none of this type. */
export function channelBindingOf(socket: TLSSocket, type: ChannelBindingType): Buffer | undefined {
  if (socket.destroyed) return undefined
  return type === 'tls-exporter' ? exportedBy(socket) : endPointOf(socket)
}

// RFC 9266 §4.2: before TLS 1.3 the exporter is bound to one connection only where the handshake hashed all of itself
// into the master secret, and that cannot be seen here.
function exportedBy(socket: TLSSocket): Buffer | undefined {
  if (socket.getProtocol() !== 'TLSv1.3') return undefined
  return socket.exportKeyingMaterial(exporterBytes, exporterLabel, Buffer.alloc(0))
}

function endPointOf(socket: TLSSocket): Buffer | undefined {
  const certificate = socket.getCertificate()
  if (!certificate || !('raw' in certificate) || !Buffer.isBuffer(certificate.raw)) return undefined
  return endPointOfCertificate(certificate.raw)
}

/** RFC 5929 §4.1, of a certificate in DER. */
export function endPointOfCertificate(der: Buffer): Buffer | undefined {
  const hash = hashOfSignature(new X509Certificate(der).signatureAlgorithm ?? '')
  return hash === undefined ? undefined : createHash(hash).update(der).digest()
}

// SHA-256 stands for hashes that are too weak. Ed25519 has no hash of its own, and RSA-PSS names it elsewhere: undefined.
function hashOfSignature(algorithm: string): string | undefined {
  const name = algorithm.toLowerCase()
  if (name.includes('pss')) return undefined
  if (name.includes('sha512')) return 'sha512'
  if (name.includes('sha384')) return 'sha384'
  if (name.includes('sha256')) return 'sha256'
  if (name.includes('sha1') || name.includes('md5')) return 'sha256'
  return undefined
}
