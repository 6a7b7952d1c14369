// A certificate with its chain and its private key (PEM), checked before anybody is shown it.
import { constants, createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import { assertSoundChain } from './chain.ts'
import { tlsFault } from './tls-fault.ts'

export interface Certificate {
  /** With its chain, the server's own first. */
  readonly certificatePem: string
  readonly keyPem: string
  /** The DNS names that it is valid for, lower case: 'mail.example.com', '*.example.com'. */
  readonly names: readonly string[]
  readonly validFrom: number
  /** Milliseconds since 1970. */
  readonly validTo: number
  readonly selfSigned: boolean
  /** SHA-256: 'AB:CD:…' */
  readonly fingerprint: string
}

/** Where the texts came from, for messages. */
export interface CertificateFiles {
  readonly certificateFile: string
  readonly keyFile: string
}

/** Rejects with a UsageFault (TlsFaultCode). An expired certificate is read: whether that matters is the caller's. */
export async function readCertificate(files: CertificateFiles): Promise<Certificate> {
  const [certificatePem, keyPem] = await Promise.all([readPem(files.certificateFile), readPem(files.keyFile)])
  return parseCertificate(certificatePem, keyPem, files)
}

/** The same, and rejects when it, or one of its chain, is not valid at `now`. */
export async function readValidCertificate(files: CertificateFiles, now: number): Promise<Certificate> {
  const certificate = await readCertificate(files)
  assertValidAt(certificate, now, files.certificateFile)
  assertSoundChain(certificate.certificatePem, now, files.certificateFile)
  return certificate
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'latin1')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
    const [why, remedy] =
      code === 'ENOENT'
        ? ['There is no such file.', 'Correct the path in the settings, or put the file there.']
        : code === 'EACCES'
          ? [
              'This user may not read it.',
              'Let the user that runs the server read it (and nobody else, if it is the key).',
            ]
          : [`It cannot be read (${code}).`, 'Name a file in PEM in the settings.']
    throw tlsFault('TLS_FILE_UNREADABLE', `${file}: ${why}`, { cause, remedy })
  }
}

export function parseCertificate(
  certificatePem: string,
  keyPem: string,
  files: CertificateFiles,
): Certificate {
  const own = parseX509(certificatePem, files.certificateFile)
  const key = parseKey(keyPem, files.keyFile)
  if (!own.checkPrivateKey(key)) {
    throw tlsFault(
      'TLS_KEY_MISMATCH',
      `${files.keyFile} is not the key of the certificate ${files.certificateFile}.`,
      {
        remedy:
          'Name the two files that belong together, and put the server’s own certificate before those of its issuers.',
      },
    )
  }
  assertUsable(certificatePem, keyPem, files)
  return {
    certificatePem,
    keyPem,
    names: dnsNames(own),
    validFrom: own.validFromDate.getTime(),
    validTo: own.validToDate.getTime(),
    selfSigned: own.issuer === own.subject && own.verify(own.publicKey),
    fingerprint: own.fingerprint256,
  }
}

function parseX509(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    const what = pem.includes('PRIVATE KEY-----')
      ? 'It holds a private key and no certificate'
      : 'It holds no certificate that can be read'
    throw tlsFault('TLS_NOT_A_CERTIFICATE', `${file}: ${what}.`, {
      cause,
      remedy: 'Name one that does: a certificate in PEM starts with -----BEGIN CERTIFICATE-----.',
    })
  }
}

function parseKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    const locked = pem.includes('ENCRYPTED')
    const what = locked
      ? 'The key has a passphrase, which nobody could type at start'
      : 'It holds no private key that can be read'
    const remedy = locked
      ? `Write one without: openssl pkey -in ${file} -out server.key`
      : 'Name one that does: a key in PEM starts with -----BEGIN PRIVATE KEY-----.'
    throw tlsFault('TLS_NOT_A_KEY', `${file}: ${what}.`, { cause, remedy })
  }
}

// OpenSSL refuses what is too weak only when the context is made: at the first handshake it would be too late.
function assertUsable(certificatePem: string, keyPem: string, files: CertificateFiles): void {
  try {
    contextOf(certificatePem, keyPem)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw tlsFault('TLS_KEY_TOO_WEAK', `${files.certificateFile} cannot be used: ${reason}.`, {
      cause,
      remedy: 'Get a certificate with an EC key or an RSA key of 2048 bits or more.',
    })
  }
}

/** RFC 6125 §6.4: the subjectAltName only; the common name is long out of use. */
function dnsNames(certificate: X509Certificate): string[] {
  const names: string[] = []
  for (const entry of (certificate.subjectAltName ?? '').split(', ')) {
    if (entry.startsWith('DNS:') && !entry.includes('"')) names.push(entry.slice(4).toLowerCase())
  }
  return names
}

/** RFC 6125 §6.4.3: a `*` stands for the whole first label and for nothing else. */
export function certificateCovers(certificate: Pick<Certificate, 'names'>, hostname: string): boolean {
  const name = hostname.toLowerCase()
  const dot = name.indexOf('.')
  const wildcard = dot > 0 ? `*${name.slice(dot)}` : undefined
  return certificate.names.some(covered => covered === name || covered === wildcard)
}

const day = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** Throws a UsageFault when the certificate is not valid at `now`. */
export function assertValidAt({ validFrom, validTo }: Certificate, now: number, file: string): void {
  if (now > validTo) {
    throw tlsFault('TLS_CERTIFICATE_EXPIRED', `${file}: the certificate ended on ${day(validTo)}.`, {
      remedy: 'Renew it; or remove it from the settings to have one generated.',
    })
  }
  if (now < validFrom) {
    throw tlsFault(
      'TLS_CERTIFICATE_NOT_YET_VALID',
      `${file}: the certificate begins on ${day(validFrom)}, and this machine’s clock says ${day(now)}.`,
      { remedy: 'Correct the clock, or wait.' },
    )
  }
}

/** Of OpenSSL. */
const maxSessionIdContext = 32

/** RFC 8996, RFC 9325 §3.1.1: TLS 1.2 and 1.3 only. */
const minVersion = 'TLSv1.2'

// RFC 9325 §4.2: for TLS 1.2 forward secrecy and AEAD only; the suites of 1.3 are all of that kind. Without DHE: it
// needs parameters of our own, and whoever knows TLS 1.2 knows ECDHE.
const ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

// RFC 9325 §3.5: nobody needs another handshake on a connection, and each costs us more than whoever asks for it. §4.2: the suites
// in our order, but ChaCha20 before AES for whoever prefers it, because his machine has no AES of its own.
const secureOptions =
  constants.SSL_OP_NO_RENEGOTIATION |
  constants.SSL_OP_CIPHER_SERVER_PREFERENCE |
  constants.SSL_OP_PRIORITIZE_CHACHA

/** What a context has beside its certificate. */
export interface ContextMore {
  /** Of session tickets: 48 bytes; default: one that nobody else has. */
  readonly ticketKey?: Uint8Array | undefined
  /** PEM: who is trusted to say who a client is, where clients are asked. */
  readonly clientAuthorities?: string | undefined
}

function contextOf(
  certificatePem: string,
  keyPem: string,
  { ticketKey, clientAuthorities }: ContextMore = {},
): SecureContext {
  return createSecureContext({
    cert: certificatePem,
    key: keyPem,
    minVersion,
    ciphers,
    secureOptions,
    ...(ticketKey && { ticketKeys: Buffer.from(ticketKey) }),
    ...(clientAuthorities !== undefined && {
      ca: clientAuthorities,
      // A session goes on only where the same are trusted as at its beginning.
      sessionIdContext: createHash('sha256')
        .update(clientAuthorities)
        .digest('hex')
        .slice(0, maxSessionIdContext),
    }),
  })
}

export function secureContextOf(
  certificate: Pick<Certificate, 'certificatePem' | 'keyPem'>,
  more?: ContextMore,
): SecureContext {
  return contextOf(certificate.certificatePem, certificate.keyPem, more)
}
