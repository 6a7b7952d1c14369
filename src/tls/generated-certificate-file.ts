// The generated certificate in the data folder: made once; made anew, for the same key, before it ends or when the host name
// changes.
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../runtime/fault.ts'
import { type Log, silentLog } from '../runtime/log.ts'
import { type Certificate, certificateCovers, parseCertificate } from './certificate.ts'
import { generateCertificate, parseGeneratedKey } from './generate-certificate.ts'

export function generatedCertificateFile(dataFolder: string): string {
  return join(dataFolder, 'tls', 'generated.pem')
}

const renewBeforeMs = 30 * 86_400_000

/**
 * Certificate and key are one file, so that no crash and no second thread can leave two that don't belong together. The key
 * outlives the certificate wherever it can be read: TLSA records hold its digest. What took the place of what is logged,
 * because whoever trusted the old one has to act.
 */
export async function ensureGeneratedCertificate(
  dataFolder: string,
  hostname: string,
  now: number,
  log: Log = silentLog,
): Promise<Certificate> {
  const file = generatedCertificateFile(dataFolder)
  const pem = await readGenerated(file)
  const kept = pem === undefined ? undefined : parseGenerated(pem, file)
  const reason = reasonToReplace(kept, hostname, now)
  if (kept && reason === undefined) return kept
  const key = pem === undefined ? undefined : parseGeneratedKey(pem)
  const made = await generateCertificate({ hostname, key }, now)
  await writePrivateFile(file, made.keyPem + made.certificatePem)
  if (pem !== undefined)
    log.warn(key ? newForSameKey : newWithNewKey, {
      reason,
      file,
      name: hostname,
      fingerprint: made.fingerprint,
      oldFingerprint: kept?.fingerprint,
    })
  return made
}

/** The one that is there, whatever its date; undefined: none, or a damaged one. */
export async function findGeneratedCertificate(dataFolder: string): Promise<Certificate | undefined> {
  const file = generatedCertificateFile(dataFolder)
  const pem = await readGenerated(file)
  return pem === undefined ? undefined : parseGenerated(pem, file)
}

const newForSameKey =
  'the generated certificate was replaced, and its key was kept: mail programs that took the old certificate ask again, and TLSA records of the key stay right'

const newWithNewKey =
  'the generated certificate and its key were replaced: mail programs that took the old one ask again, and TLSA records of the old key are wrong now'

function reasonToReplace(kept: Certificate | undefined, hostname: string, now: number): string | undefined {
  if (!kept) return 'unreadable'
  if (now >= kept.validTo - renewBeforeMs)
    return `it ends on ${new Date(kept.validTo).toISOString().slice(0, 10)}`
  return certificateCovers(kept, hostname) ? undefined : `it has no name ${hostname}`
}

/** undefined: there is none yet. */
async function readGenerated(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'latin1')
  } catch (cause) {
    // One that cannot be read is of no use to anybody: another takes its place, which is logged.
    return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? undefined : ''
  }
}

function parseGenerated(pem: string, file: string): Certificate | undefined {
  try {
    return parseCertificate(pem, pem, { certificateFile: file, keyFile: file })
  } catch {
    // Damaged: it is of our own making, so another takes its place.
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
