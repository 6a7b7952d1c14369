// TLS as a session knows it: what it offers to clients, and what became of a handshake.
import type { SecureContext } from 'node:tls'
import type { ChannelBindingType } from '../sasl/channel-binding.ts'
import type { ClientCertificate } from '../sasl/client-certificate.ts'

export interface ServerTls {
  /** Called for each handshake, so that a renewed certificate is used at once. */
  readonly secureContext: (serverName?: string) => SecureContext
  /**
   * Clients on the ports for users are asked for a certificate, for EXTERNAL. Then the contexts must have the authorities that are
   * trusted for that (`ca`), or all that everybody knows are, and a `sessionIdContext`. Default false.
   */
  readonly asksForClientCertificate?: boolean
}

export interface TlsFacts {
  /** 'TLSv1.3' */
  readonly protocol: string
  /** 'TLS_AES_256_GCM_SHA384' */
  readonly cipher: string
  /** The name that the client asked for (SNI). */
  readonly serverName?: string | undefined
  /** What only the two ends of this connection know (RFC 5056); undefined: none of this type, or the connection is over. */
  readonly channelBinding?: ((type: ChannelBindingType) => Uint8Array | undefined) | undefined
  /** Where the client was asked for one. */
  readonly clientCertificate?: ClientCertificate | undefined
}
