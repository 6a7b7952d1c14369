// Whose account a client certificate is: by the mail addresses in it (RFC 5280 §4.2.1.6, rfc822Name), or by what the settings say.
import type { X509Certificate } from 'node:crypto'
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'
import type { ClientCertificateSettings } from '../config/settings.ts'

export type CertificateNames = Pick<ClientCertificateSettings, 'useAddresses' | 'accounts'>

/** In the order in which they count. */
export function accountsOfCertificate(
  certificate: X509Certificate,
  { useAddresses, accounts }: CertificateNames,
): readonly Address[] {
  const own = useAddresses ? mailAddressesOf(certificate.subjectAltName ?? '') : []
  const [commonName, ...others] = commonNamesOf(certificate.subject)
  const mapped = accounts
    .filter(mapping =>
      mapping.fingerprint === undefined
        ? others.length === 0 && commonName !== undefined && mapping.commonName === commonName
        : mapping.fingerprint === canonicalFingerprint(certificate.fingerprint256),
    )
    .map(({ account }) => account)
  return [...own, ...mapped].flatMap(text => parseAddress(text) ?? [])
}

/** 'AB:CD:…' and 'abcd…' → 'abcd…'; undefined: it is no SHA-256. */
export function canonicalFingerprint(text: string): string | undefined {
  const digits = text.replaceAll(':', '').toLowerCase()
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined
}

/**
 * 'email:anna@example.test, DNS:x, email:"a, DNS:b"' → the addresses. What could be taken for more than one name is in quotation
 * marks, as JSON.
 */
export function mailAddressesOf(subjectAltName: string): readonly string[] {
  const names: string[] = []
  const name = /(?<text>(?:"(?:[^"\\]|\\.)*"|[^",])*)(?:, |$)/y
  while (name.lastIndex < subjectAltName.length) {
    const text = name.exec(subjectAltName)?.groups?.text
    // Not as Node.js writes it: nobody's names.
    if (text === undefined) return []
    names.push(text)
  }
  return names.flatMap(text => {
    if (!text.startsWith('email:')) return []
    const value = text.slice('email:'.length)
    return value.startsWith('"') ? (parseQuoted(value) ?? []) : value
  })
}

function parseQuoted(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : undefined
  } catch {
    // Not as Node.js writes it: nobody's name.
    return undefined
  }
}

/** 'O=Example\nCN=scanner' → 'scanner' */
function commonNamesOf(subject: string): readonly string[] {
  return subject.split('\n').flatMap(line => (line.startsWith('CN=') ? line.slice('CN='.length) : []))
}
