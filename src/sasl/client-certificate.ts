// The certificate of a TLS client, as far as it proves anything: for EXTERNAL (RFC 4422 appendix A).
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { ClientCertificateProblem } from './authority.ts'

export type ClientCertificate =
  /** One of the authorities that are trusted for clients vouches for it, and did so at the handshake. */
  | { readonly kind: 'trusted'; readonly certificate: X509Certificate }
  | { readonly kind: 'worthless'; readonly problem: ClientCertificateProblem }

/** Of the server's end of a connection that has asked for one, after the handshake. */
export function clientCertificateOf(socket: TLSSocket): ClientCertificate {
  // A session that goes on has the certificate of its beginning, or none, and then nothing to find fault with.
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return { kind: 'worthless', problem: 'certificate-missing' }
  const error = verifyErrorOf(socket)
  if (error === undefined) return { kind: 'trusted', certificate }
  return {
    kind: 'worthless',
    problem:
      error === 'CERT_HAS_EXPIRED' || error === 'CERT_NOT_YET_VALID'
        ? 'certificate-expired'
        : 'certificate-untrusted',
  }
}

/**
 * OpenSSL's verdict; undefined: nothing is wrong. Node.js tells it to its own servers only, as `authorized`, and to whoever asks
 * the handle; where there is none to ask any more, nothing is proven.
 */
function verifyErrorOf(socket: TLSSocket): string | undefined {
  const { ssl } = socket as unknown as { readonly ssl?: { verifyError?(): VerifyError | null | undefined } }
  if (typeof ssl?.verifyError !== 'function') return 'UNKNOWN'
  const error = ssl.verifyError()
  return error ? (error.code ?? error.message) : undefined
}

interface VerifyError extends Error {
  readonly code?: string
}
