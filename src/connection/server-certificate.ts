// What a server's certificate is worth: by the usual check (RFC 5280, RFC 9525), or by whoever the caller names.
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls'

/** Takes what the server shows, its own certificate first, and returns what is wrong with it; undefined is consent. */
export type VerifyChain = (chain: readonly X509Certificate[]) => CertificateProblem | undefined

export interface CertificateProblem {
  /** As Node and OpenSSL name it, 'CERT_HAS_EXPIRED', or a word of the one who judged. */
  readonly code: string
  /** In words. */
  readonly detail: string
}

export interface CertificateTerms {
  /** The name to check a certificate against and to send as SNI. */
  readonly host: string
  /** Demand a valid certificate for `host`. */
  readonly verifyCertificate: boolean
  /** The name to send as SNI. Default `host`. */
  readonly serverName?: string | undefined
  /** Judges the server's certificate instead: by its TLSA records (RFC 7672), for one. */
  readonly verifyChain?: VerifyChain | undefined
}

export function tlsOptions({ host, serverName = host, verifyCertificate, verifyChain }: CertificateTerms) {
  return {
    // RFC 6066 §3: SNI takes names only.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    rejectUnauthorized: verifyCertificate && !verifyChain,
    // The certificate is for whom we want to reach, not for the address at which we try.
    checkServerIdentity: (_name, certificate) => verifyServerName(host, certificate),
  } satisfies ConnectionOptions
}

/** RFC 9525 §6.3, RFC 8461 §3.3, §4.2: by a name of the certificate (DNS-ID), never by its common name. */
export function verifyServerName(host: string, certificate: PeerCertificate): Error | undefined {
  return checkServerIdentity(host, { ...certificate, subject: { ...certificate.subject, CN: '' } })
}

/** Of a connection whose handshake is done. */
export function judgeCertificate(
  socket: TLSSocket,
  { verifyChain }: CertificateTerms,
): { readonly authorized: boolean; readonly problem?: CertificateProblem } {
  const problem = verifyChain ? verifyChain(shownChain(socket)) : usualProblem(socket)
  return problem ? { authorized: false, problem } : { authorized: true }
}

function usualProblem({ authorized, authorizationError }: TLSSocket): CertificateProblem | undefined {
  if (authorized) return undefined
  // The other end was the client when TLS began (ATRN), and is asked for none.
  if (!(authorizationError as unknown)) return { code: 'NO_CERTIFICATE', detail: 'no certificate was shown' }
  const code = String(authorizationError)
  return (
    describeCertificateError(authorizationError) ?? { code, detail: `the certificate is not valid (${code})` }
  )
}

/** undefined: the error is about something else than the certificate. */
export function describeCertificateError(error: unknown): CertificateProblem | undefined {
  // Node gives the code alone, or an error that has it.
  const { code, message } = typeof error === 'string' ? { code: error, message: error } : (error as NodeError)
  if (typeof code !== 'string') return undefined
  const detail = certificateWords[code]
  return detail === undefined
    ? undefined
    : { code, detail: message === code ? detail : `${detail}: ${message}` }
}

interface NodeError {
  readonly code?: unknown
  readonly message: string
}

/** More than any honest server shows. */
const maxChain = 20

/** The server's own first. */
export function shownChain(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let certificate = socket.getPeerX509Certificate()
  while (certificate && chain.length < maxChain) {
    chain.push(certificate)
    certificate = certificate.issuerCertificate
  }
  return chain
}

/** Of the checks of OpenSSL (X509_V_ERR_…) and of Node. */
const certificateWords: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name',
  HOSTNAME_MISMATCH: 'the certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is signed by nobody but itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate comes from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'who issued the certificate is not known',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'who issued the certificate is not known',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'who issued the certificate is not known',
  CERT_SIGNATURE_FAILURE: 'the signature of the certificate is wrong',
  CERT_CHAIN_TOO_LONG: 'the chain of the certificate is too long',
  CERT_REVOKED: 'the certificate was revoked',
  CERT_UNTRUSTED: 'the certificate is not trusted',
  CERT_REJECTED: 'the certificate is not trusted',
  INVALID_CA: 'the certificate was issued by one that may not issue any',
  INVALID_PURPOSE: 'the certificate is not for servers',
  PATH_LENGTH_EXCEEDED: 'the certificate was issued by one that may not issue any',
}
