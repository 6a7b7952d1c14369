// The generated certificate in the data folder: made once, made anew before it ends or when the names change.
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../runtime/fault.ts'
import { type Log, silentLog } from '../runtime/log.ts'
import { type Certificate, certificateCovers, parseCertificate } from './certificate.ts'
import { type CertificateNames, generateCertificate } from './generate-certificate.ts'

export function generatedCertificateFile(dataFolder: string): string {
  return join(dataFolder, 'tls', 'generated.pem')
}

const renewBeforeMs = 30 * 86_400_000

/**
 * Certificate and key are one file, so that no crash and no second thread can leave two that don't belong together. That
 * another takes its place is logged: whoever has come to trust the old one is asked anew.
 */
export async function ensureGeneratedCertificate(
  dataFolder: string,
  names: CertificateNames,
  now: number,
  log: Log = silentLog,
): Promise<Certificate> {
  const file = generatedCertificateFile(dataFolder)
  const kept = await readGenerated(file)
  const reason = reasonToReplace(kept, [names.hostname, ...(names.otherNames ?? [])], now)
  if (typeof kept === 'object' && reason === undefined) return kept
  const made = await generateCertificate(names, now)
  await writePrivateFile(file, made.keyPem + made.certificatePem)
  if (kept !== 'missing')
    log.warn(
      'the generated certificate and its key were replaced: mail programs that took the old one ask again',
      {
        reason,
        file,
        names: made.names.join(', '),
        fingerprint: made.fingerprint,
        oldFingerprint: typeof kept === 'object' ? kept.fingerprint : undefined,
      },
    )
  return made
}

function reasonToReplace(
  kept: Certificate | 'missing' | 'unreadable',
  wanted: readonly string[],
  now: number,
): string | undefined {
  if (typeof kept === 'string') return kept
  if (now >= kept.validTo - renewBeforeMs)
    return `it ends on ${new Date(kept.validTo).toISOString().slice(0, 10)}`
  const uncovered = wanted.filter(name => !certificateCovers(kept, name))
  return uncovered.length > 0 ? `it has no name ${uncovered.join(', ')}` : undefined
}

async function readGenerated(file: string): Promise<Certificate | 'missing' | 'unreadable'> {
  try {
    const pem = await readFile(file, 'latin1')
    return parseCertificate(pem, pem, { certificateFile: file, keyFile: file })
  } catch (cause) {
    // Damaged: nothing is lost by making another, since it is of our own making.
    return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? 'missing' : 'unreadable'
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
