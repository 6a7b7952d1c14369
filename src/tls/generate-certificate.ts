// A certificate of our own making, for a server that has none yet. Servers that send to us encrypt with it all the same
// (RFC 7435: opportunistic security asks for no identity); mail programs of users warn of it.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { Certificate } from './certificate.ts'
import { parseCertificate } from './certificate.ts'

export interface CertificateToMake {
  /**
   * Its only name, without those of the domains. Servers that check names check that of the MX host (RFC 7672 §3.2.3, RFC
   * 8461 §4.2); users are told the host name, and a mail program under any other asks its user once, as it does for every
   * certificate of no authority. Domains come and go, and their names would tell every stranger whose mail is here.
   */
  readonly hostname: string
  /** Default: a new one is made. */
  readonly key?: KeyObject | undefined
}

const dayMs = 86_400_000
// Nobody renews it by hand in time, and nobody trusts it for its date.
const validityMs = 3650 * dayMs
/** Machines whose clocks are behind must not find it invalid. */
const backdatedMs = dayMs

const curve = 'P-256'

/** The private key in this text, if it is one of those that are made here. */
export function parseGeneratedKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem)
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined
  } catch {
    // Damaged, or no key at all: whoever asks makes another.
    return undefined
  }
}

export async function generateCertificate(
  { hostname, key }: CertificateToMake,
  now: number,
): Promise<Certificate> {
  // Loaded here: its ASN.1 libraries cost more start-up time than all of ours, and most starts need no certificate.
  const { generate } = await import('selfsigned')
  const made = await generate(
    [{ name: 'commonName', value: hostname.length <= 64 ? hostname : 'postrider' }],
    {
      keyType: 'ec',
      curve,
      ...(key && { keyPair: pemOf(key) }),
      algorithm: 'sha256',
      notBeforeDate: new Date(now - backdatedMs),
      notAfterDate: new Date(now + validityMs),
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
        { name: 'subjectAltName', altNames: [{ type: 2, value: hostname }] },
      ],
    },
  )
  return parseCertificate(made.cert, made.private, {
    certificateFile: 'the generated certificate',
    keyFile: 'its key',
  })
}

function pemOf(key: KeyObject): { privateKey: string; publicKey: string } {
  return {
    privateKey: key.export({ type: 'pkcs8', format: 'pem' }),
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }),
  }
}
