// The certificates that come with the server's own: whether they lead from it to an authority that others know.
import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { tlsFault } from './tls-fault.ts'

const oneCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** In the order of the file, the server's own first. Throws what OpenSSL throws. */
function parseChain(pem: string): X509Certificate[] {
  return (pem.match(oneCertificate) ?? []).map(one => new X509Certificate(one))
}

const day = (certificate: X509Certificate): string => certificate.validToDate.toISOString().slice(0, 10)

/** Throws a UsageFault when a certificate of the chain is over, or is not of the one before. */
export function assertSoundChain(pem: string, now: number, file: string): void {
  const [own, ...issuers] = parseChain(pem)
  let last = own
  for (const issuer of issuers) {
    if (last && !isIssuedBy(last, issuer)) {
      throw tlsFault(
        'TLS_CHAIN_BROKEN',
        `${file}: the certificate of ${nameOf(issuer)} follows that of ${nameOf(last)}, and did not issue it.`,
        {
          remedy:
            'Put the server’s own certificate first, then that of its issuer, then that of the issuer’s issuer.',
        },
      )
    }
    if (now > issuer.validToDate.getTime()) {
      throw tlsFault(
        'TLS_CHAIN_EXPIRED',
        `${file}: the certificate of the issuer ${nameOf(issuer)} ended on ${day(issuer)}.`,
        {
          remedy:
            'Get the present one from your authority (often "fullchain" or "bundle"), and put it there.',
        },
      )
    }
    last = issuer
  }
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** 'R11', from 'C=US\nO=Let\'s Encrypt\nCN=R11' */
function nameOf({ subject }: X509Certificate): string {
  // Old ones have no subject at all, and since Node.js 24 that is undefined.
  const fields = (subject ?? '').split('\n')
  return fields.find(field => field.startsWith('CN='))?.slice(3) ?? fields.join(', ')
}

/**
 * Without the certificate of a known authority at its end, or one that signed itself: the certificates between them are
 * missing in the file, or it is of an authority of your own that everybody here knows.
 */
export function endsInTheOpen(pem: string): boolean {
  const last = parseChain(pem).at(-1)
  // checkIssued says no to one that signed itself and may sign nothing, as a server of our own making does.
  if (!last || (last.issuer === last.subject && last.verify(last.publicKey))) return false
  return !(knownRoots().get(last.issuer) ?? []).some(root => last.verify(root.publicKey))
}

let roots: ReadonlyMap<string, X509Certificate[]> | undefined

/** By subject. */
function knownRoots(): ReadonlyMap<string, X509Certificate[]> {
  roots ??= Map.groupBy(
    rootCertificates.map(pem => new X509Certificate(pem)),
    ({ subject }) => subject,
  )
  return roots
}

/** Throws a UsageFault. */
export function assertCompleteChain(pem: string, file: string): void {
  if (!endsInTheOpen(pem)) return
  const last = parseChain(pem).at(-1)
  throw tlsFault(
    'TLS_CHAIN_INCOMPLETE',
    `${file}: the certificate of the issuer is missing${last ? ` (${last.issuer.replaceAll('\n', ', ')})` : ''}.`,
    {
      remedy:
        'Name the file that has the whole chain (often "fullchain" or "bundle"), or add the certificates of the issuers.',
    },
  )
}
