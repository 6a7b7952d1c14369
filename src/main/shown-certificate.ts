// A certificate in use, as the command line tells of it: without its key.
import type { CertificateInUse } from '../tls/certificate-store.ts'

export interface ShownCertificate {
  readonly source: CertificateInUse['source']
  readonly problem?: string | undefined
  /** undefined: the files never had one that can be used. */
  readonly inUse:
    | {
        readonly names: readonly string[]
        readonly validFrom: number
        readonly validTo: number
        readonly fingerprint: string
        /** PEM, with its chain. */
        readonly certificatePem: string
      }
    | undefined
}

export function showCertificate({ source, problem, certificate }: CertificateInUse): ShownCertificate {
  if (!certificate) return { source, problem, inUse: undefined }
  const { names, validFrom, validTo, fingerprint, certificatePem } = certificate
  return { source, problem, inUse: { names, validFrom, validTo, fingerprint, certificatePem } }
}
