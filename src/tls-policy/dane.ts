// Whether the certificates that a server shows fit its TLSA records (RFC 6698 §2.1, RFC 7671 §5, RFC 7672 §3).
import { createHash, createPublicKey, type KeyObject, timingSafeEqual, X509Certificate } from 'node:crypto'
import type { CertificateProblem, VerifyChain } from '../connection/server-certificate.ts'
import type { TlsaRecord } from '../dns/answer.ts'
import { issuingLimits, publicKeyInfo } from './certificate-der.ts'

const authority = 2
const serverItself = 3
const wholeCertificate = 0
const publicKeyOnly = 1

/** Matching type → hash and its length in bytes; 0 is the data itself (RFC 6698 §2.1.3). */
const hashes: readonly ({ readonly name: string; readonly length: number } | undefined)[] = [
  undefined,
  { name: 'sha256', length: 32 },
  { name: 'sha512', length: 64 },
]

/** RFC 7672 §3.1.3: usages 0 and 1 are not for mail. What is unknown, or cannot match anything, counts as absent. */
export function isUsable({ usage, selector, matchingType, data }: TlsaRecord): boolean {
  if (usage !== authority && usage !== serverItself) return false
  if (selector !== wholeCertificate && selector !== publicKeyOnly) return false
  if (matchingType === 0) return canBeRead(selector, data)
  return hashes[matchingType]?.length === data.length
}

function canBeRead(selector: number, data: Uint8Array): boolean {
  try {
    return (selector === wholeCertificate ? new X509Certificate(data) : readKey(data)) !== undefined
  } catch {
    // No certificate, or no key that OpenSSL knows.
    return false
  }
}

function readKey(data: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(data), format: 'der', type: 'spki' })
}

/** '3 1 1 0b9f…', as in a zone file. */
export function formatTlsa({ usage, selector, matchingType, data }: TlsaRecord): string {
  return `${usage} ${selector} ${matchingType} ${Buffer.from(data).toString('hex')}`
}

/**
 * `records` are usable, and at least one. `names` are those of which an authority's certificate has to name one: the
 * TLSA base domain, the mail host, the domain of the mail (RFC 7672 §3.2.2).
 */
export function verifyByTlsa(
  records: readonly TlsaRecord[],
  names: readonly string[],
  now: () => number,
): VerifyChain {
  return chain => {
    const [own] = chain
    if (!own) return { code: 'NO_CERTIFICATE', detail: 'the server shows no certificate' }
    // §3.1.1: names and dates do not matter, the DNS says which key it is.
    if (records.some(record => record.usage === serverItself && matches(record, own))) return undefined
    let problem: CertificateProblem = {
      code: 'TLSA_MISMATCH',
      detail: 'the certificate of the server fits none of its TLSA records',
    }
    for (const record of records) {
      if (record.usage !== authority) continue
      const verdict = verifyByAuthority(record, chain, names, new Date(now()))
      if (verdict === 'good') return undefined
      if (verdict !== 'other') problem = verdict
    }
    return problem
  }
}

function matches({ selector, matchingType, data }: TlsaRecord, certificate: X509Certificate): boolean {
  const selected = selector === wholeCertificate ? certificate.raw : publicKeyInfo(certificate.raw)
  if (!selected) return false
  const hash = hashes[matchingType]
  const association = hash ? createHash(hash.name).update(selected).digest() : selected
  return association.length === data.length && timingSafeEqual(association, data)
}

/** From the server's certificate upwards; 'other': the record is about an authority that this chain does not come from. */
function verifyByAuthority(
  record: TlsaRecord,
  chain: readonly X509Certificate[],
  names: readonly string[],
  at: Date,
): 'good' | 'other' | CertificateProblem {
  const [own, ...shown] = chain
  if (!own) return 'other'
  // RFC 7671 §5.2.1: an authority that stands in the record as a whole need not be shown.
  const others =
    record.matchingType === 0 && record.selector === wholeCertificate
      ? [...shown, new X509Certificate(record.data)]
      : shown
  const bareKey =
    record.matchingType === 0 && record.selector === publicKeyOnly ? readKey(record.data) : undefined
  const path = [own]
  let below = own
  let isAnchored = false
  while (!isAnchored) {
    const issuers = others.filter(one => !path.includes(one) && isIssuedBy(below, one))
    // Of several with one key and name (cross-signed) the one that is meant.
    const issuer = issuers.find(one => matches(record, one)) ?? issuers[0]
    if (issuer) {
      path.push(issuer)
      below = issuer
      isAnchored = matches(record, issuer)
    } else if (bareKey && below.verify(bareKey)) isAnchored = true
    else return 'other'
  }
  return problemOfPath(path, names, at) ?? 'good'
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  // Names, key identifiers and key usage; then the signature.
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function problemOfPath(
  path: readonly X509Certificate[],
  names: readonly string[],
  at: Date,
): CertificateProblem | undefined {
  for (const [depth, certificate] of path.entries()) {
    if (at < certificate.validFromDate)
      return { code: 'CERT_NOT_YET_VALID', detail: 'the certificate is not valid yet' }
    if (at > certificate.validToDate)
      return { code: 'CERT_HAS_EXPIRED', detail: 'the certificate has expired' }
    if (depth === 0) continue
    const { pathLength, hasNameConstraints } = issuingLimits(certificate.raw)
    if (!certificate.ca || pathLength < depth - 1)
      return {
        code: 'INVALID_CA',
        detail: 'the certificate was issued by one that may not issue any',
      }
    // Which names these are is not looked at: so it is trusted for none.
    if (hasNameConstraints)
      return {
        code: 'NAME_CONSTRAINTS',
        detail: 'the certificate was issued by an authority that is limited to some names',
      }
  }
  const [own] = path
  if (own && names.some(name => own.checkHost(name, { subject: 'never' }) !== undefined)) return undefined
  return {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    detail: `the certificate is for another name than ${names.join(', ')}`,
  }
}
