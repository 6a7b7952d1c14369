// Why a TLS handshake failed, for the administrator: what OpenSSL says of it means little to most.
/** An error of a TLS socket: 'ERR_SSL_…', and `reason` in the words of OpenSSL. */
export interface TlsFailure {
  readonly code?: string | undefined
  readonly reason?: string | undefined
  readonly message: string
}

/** TLS from the first byte, or after a command. */
export type TlsBegin = 'at-once' | 'after-starttls'

export const peerHasGone: TlsFailure = {
  message: 'the client closed the connection before the end of it',
}

const noTls = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_HTTP_REQUEST', 'ERR_SSL_HTTPS_PROXY_REQUEST'])

const inWords: ReadonlyMap<string, string> = new Map([
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'client and server have no version of TLS in common'],
  ['ERR_SSL_NO_SHARED_CIPHER', 'client and server have no cipher in common'],
  ['ERR_SSL_NO_SUITABLE_KEY_SHARE', 'client and server have no key exchange in common'],
  ['ECONNRESET', peerHasGone.message],
  ['EPIPE', peerHasGone.message],
])

/** What the client said before it went (RFC 8446 §6.2); the library's names differ by version in what stands before. */
const alerts: readonly (readonly [ending: string, words: string])[] = [
  ['ALERT_PROTOCOL_VERSION', 'client and server have no version of TLS in common'],
  ['ALERT_UNKNOWN_CA', 'the client does not trust the issuer of the certificate'],
  ['ALERT_CERTIFICATE_EXPIRED', 'the client finds the certificate expired'],
  ['ALERT_BAD_CERTIFICATE', 'the client does not accept the certificate'],
  ['ALERT_CERTIFICATE_UNKNOWN', 'the client does not accept the certificate'],
  ['ALERT_UNSUPPORTED_CERTIFICATE', 'the client does not accept the certificate'],
]

/** A line for the log; the library's own `code` goes beside it. */
export function describeTlsFailure(cause: TlsFailure, begin: TlsBegin): string {
  return `TLS handshake failed: ${inPlainWords(cause.code ?? '', begin) ?? cause.reason ?? cause.message}`
}

function inPlainWords(code: string, begin: TlsBegin): string | undefined {
  if (noTls.has(code))
    return begin === 'at-once'
      ? 'the client spoke without TLS to the port for TLS'
      : 'the client went on without TLS after STARTTLS'
  return inWords.get(code) ?? alerts.find(([ending]) => code.endsWith(ending))?.[1]
}
