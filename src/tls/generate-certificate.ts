// A certificate of our own making, for a server that has none yet. Servers that send to us encrypt with it all the same
// (RFC 7435: opportunistic security asks for no identity); mail programs of users warn of it.
import type { Certificate } from './certificate.ts'
import { parseCertificate } from './certificate.ts'

export interface CertificateNames {
  readonly hostname: string
  /** Further names for the subjectAltName. */
  readonly otherNames?: readonly string[]
}

const dayMs = 86_400_000
// Nobody renews it by hand in time, and nobody trusts it for its date.
const validityMs = 3650 * dayMs
/** Machines whose clocks are behind must not find it invalid. */
const backdatedMs = dayMs

export async function generateCertificate(
  { hostname, otherNames = [] }: CertificateNames,
  now: number,
): Promise<Certificate> {
  // Loaded here: its ASN.1 libraries cost more start-up time than all of ours, and most starts need no certificate.
  const { generate } = await import('selfsigned')
  const names = [...new Set([hostname, ...otherNames])]
  const made = await generate(
    [{ name: 'commonName', value: hostname.length <= 64 ? hostname : 'postrider' }],
    {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      notBeforeDate: new Date(now - backdatedMs),
      notAfterDate: new Date(now + validityMs),
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
        { name: 'subjectAltName', altNames: names.map(value => ({ type: 2 as const, value })) },
      ],
    },
  )
  return parseCertificate(made.cert, made.private, {
    certificateFile: 'the generated certificate',
    keyFile: 'its key',
  })
}
