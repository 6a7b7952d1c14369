// TLS as the servers of a front take it: the certificates of this server, and whether clients are asked for theirs.
import type { Settings } from '../config/settings.ts'
import type { ServerTls } from '../connection/tls-facts.ts'
import type { CertificateStore } from '../tls/certificate-store.ts'

export function serverTlsOf(certificates: CertificateStore, login: Settings['login']): ServerTls {
  return {
    secureContext: serverName => certificates.secureContext(serverName),
    // Without authorities all that everybody knows would be trusted.
    asksForClientCertificate: login.certificates?.caPem !== undefined,
  }
}
