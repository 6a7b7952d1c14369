// The server's end of TLS on a socket that is open already (RFC 3207, RFC 8314).
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { UsageFault } from '../runtime/fault.ts'
import { channelBindingOf } from '../sasl/channel-binding.ts'
import { clientCertificateOf } from '../sasl/client-certificate.ts'
import type { ServerTls, TlsFacts } from './tls-facts.ts'

/** Throws when the certificate cannot be used. */
export function secureContextOf(tls: ServerTls | undefined): SecureContext {
  if (!tls) throw new UsageFault('TLS_MISSING', 'There is no certificate.')
  return tls.secureContext()
}

/** Whether the client is asked for its certificate is the caller's matter: not on every port it says anything. */
export interface HandshakeTerms {
  readonly secureContext: SecureContext
  readonly tls: ServerTls | undefined
  readonly requestCert: boolean
}

/** Emits 'secure' after the handshake; a failed one is an 'error' or just a 'close'. */
export function secureSocket(socket: Socket, { secureContext, tls, requestCert }: HandshakeTerms): TLSSocket {
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext,
    // Without one, or with one that nobody vouches for, a client can do all but EXTERNAL.
    requestCert,
    rejectUnauthorized: false,
    SNICallback(serverName, callback) {
      try {
        callback(null, tls?.secureContext(serverName))
      } catch (cause) {
        callback(cause instanceof Error ? cause : new Error(String(cause)))
      }
    },
  })
  // A session needs one handshake; more of them only cost the server (CVE-2009-3555 and its kin).
  secure.disableRenegotiation()
  return secure
}

/** After the handshake. `wasAsked`: for its certificate. */
export function tlsFactsOf(secure: TLSSocket, wasAsked: boolean): TlsFacts {
  const { servername } = secure
  return {
    protocol: secure.getProtocol() ?? '',
    cipher: secure.getCipher().standardName,
    serverName: typeof servername === 'string' && servername !== '' ? servername : undefined,
    channelBinding: type => channelBindingOf(secure, type),
    ...(wasAsked && { clientCertificate: clientCertificateOf(secure) }),
  }
}
