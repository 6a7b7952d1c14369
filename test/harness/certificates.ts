// An authority of the tests' own, and certificates that it issues: right, for another name, or expired.

import { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { generate } from 'selfsigned'

export interface TestCertificate {
  /** PEM. */
  readonly certificate: string
  readonly key: string
  readonly x509: X509Certificate
}

const ec = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const

export interface AuthorityOptions {
  readonly pathLength?: number
  readonly issuer?: TestCertificate
}

export async function makeAuthority(
  name: string,
  { pathLength, issuer }: AuthorityOptions = {},
): Promise<TestCertificate> {
  return await make(name, issuer, {
    extensions: [
      {
        name: 'basicConstraints',
        cA: true,
        critical: true,
        ...(pathLength === undefined ? {} : { pathLenConstraint: pathLength }),
      },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
}

export interface IssueOptions {
  /** Mail addresses (rfc822Name), beside the names. */
  readonly addresses?: readonly string[]
  /** Default: the first of the names. */
  readonly commonName?: string
  readonly notBefore?: Date
  readonly notAfter?: Date
}

/** Without an issuer it is signed by itself. */
export async function issueCertificate(
  issuer: TestCertificate | undefined,
  names: readonly string[],
  { notBefore, notAfter, addresses = [], commonName = names[0] ?? 'nobody' }: IssueOptions = {},
): Promise<TestCertificate> {
  const altNames = [
    ...names.map(value => ({ type: 2, value }) as const),
    ...addresses.map(value => ({ type: 1, value }) as const),
  ]
  return await make(commonName, issuer, {
    ...(notBefore ? { notBeforeDate: notBefore } : {}),
    ...(notAfter ? { notAfterDate: notAfter } : {}),
    extensions: [
      { name: 'basicConstraints', cA: false },
      ...(altNames.length > 0 ? [{ name: 'subjectAltName', altNames } as const] : []),
    ],
  })
}

async function make(
  name: string,
  issuer: TestCertificate | undefined,
  options: Parameters<typeof generate>[1],
): Promise<TestCertificate> {
  const made = await generate([{ name: 'commonName', value: name }], {
    ...ec,
    ...options,
    ...(issuer ? { ca: { key: issuer.key, cert: issuer.certificate } } : {}),
  })
  return { certificate: made.cert, key: made.private, x509: new X509Certificate(made.cert) }
}

/** What a server shows that has the first one's key: its own certificate and those of `others`. */
export function contextOf(own: TestCertificate, ...others: readonly TestCertificate[]): SecureContext {
  return createSecureContext({
    key: own.key,
    cert: [own, ...others].map(({ certificate }) => certificate).join('\n'),
  })
}
