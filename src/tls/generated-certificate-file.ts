// The generated certificate in the data folder: made once, made anew before it ends or when the names change.
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../runtime/fault.ts'
import { type Certificate, certificateCovers, parseCertificate } from './certificate.ts'
import { type CertificateNames, generateCertificate } from './generate-certificate.ts'

export function generatedCertificateFile(dataFolder: string): string {
  return join(dataFolder, 'tls', 'generated.pem')
}

const renewBeforeMs = 30 * 86_400_000

/** Certificate and key are one file, so that no crash and no second thread can leave two that don't belong together. */
export async function ensureGeneratedCertificate(
  dataFolder: string,
  names: CertificateNames,
  now: number,
): Promise<Certificate> {
  const file = generatedCertificateFile(dataFolder)
  const kept = await readGenerated(file)
  const wanted = [names.hostname, ...(names.otherNames ?? [])]
  if (kept && now < kept.validTo - renewBeforeMs && wanted.every(name => certificateCovers(kept, name)))
    return kept
  const made = await generateCertificate(names, now)
  await writePrivateFile(file, made.keyPem + made.certificatePem)
  return made
}

async function readGenerated(file: string): Promise<Certificate | undefined> {
  try {
    const pem = await readFile(file, 'latin1')
    return parseCertificate(pem, pem, { certificateFile: file, keyFile: file })
  } catch {
    // Missing or damaged: nothing is lost by making another, since nobody can have come to trust this one.
    return undefined
  }
}

async function writePrivateFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (cause) {
    // What went wrong first is the cause; that there may be nothing to remove is not.
    await rm(temporary, { force: true }).catch(() => {})
    throw new Fault(
      'TLS_CERTIFICATE_NOT_KEPT',
      `${file}: the generated certificate cannot be written there: ${String(cause)}`,
      { cause },
    )
  }
}
