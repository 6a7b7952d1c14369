// The server's end of TLS on a socket that is open already (RFC 3207, RFC 8314).
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { UsageFault } from '../../runtime/fault.ts'
import { channelBindingOf } from '../../sasl/channel-binding.ts'
import { clientCertificateOf } from '../../sasl/client-certificate.ts'
import type { SmtpServerOptions } from './options.ts'
import { isForUsers } from './roles.ts'
import type { ListenerRole, TlsFacts } from './services.ts'

type TlsOptions = SmtpServerOptions['tls']

/** Throws when the certificate cannot be used. */
export function secureContextOf(tls: TlsOptions): SecureContext {
  if (!tls) throw new UsageFault('TLS_MISSING', 'There is no certificate.')
  return tls.secureContext()
}

/** Emits 'secure' after the handshake; a failed one is an 'error' or just a 'close'. */
export function secureSocket(
  socket: Socket,
  secureContext: SecureContext,
  tls: TlsOptions,
  role: ListenerRole,
): TLSSocket {
  const requestCert = asksForCertificate(tls, role)
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

/** Servers have certificates of their own, which say nothing here. */
export function asksForCertificate(tls: TlsOptions, role: ListenerRole): boolean {
  return tls?.asksForClientCertificate === true && isForUsers(role)
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
