// The certificates of an authority as handshakes show them.
import type { Storage } from '../storage/operation.ts'
import { type Certificate, parseCertificate } from '../tls/certificate.ts'
import { listAcmeCertificates } from './operations.ts'

/** Those for these names, in this order, also when they are over: a key that others know is better than a strange one. */
export async function readIssued(
  storage: Pick<Storage, 'run'>,
  names: readonly string[],
): Promise<readonly Certificate[]> {
  if (names.length === 0) return []
  const kept = new Map((await storage.run(listAcmeCertificates, undefined)).map(one => [one.name, one]))
  return names.flatMap(name => {
    const one = kept.get(name)
    if (one?.certificatePem === undefined) return []
    const files = { certificateFile: `the certificate issued for ${name}`, keyFile: 'its key' }
    return [parseCertificate(one.certificatePem, one.keyPem, files)]
  })
}
