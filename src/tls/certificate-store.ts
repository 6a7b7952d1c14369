// The certificate that the server shows at each handshake, read again when its files change.
import { stat } from 'node:fs/promises'
import type { SecureContext } from 'node:tls'
import type { Clock } from '../runtime/clock.ts'
import { type Log, silentLog } from '../runtime/log.ts'
import {
  type Certificate,
  type CertificateFiles,
  readValidCertificate,
  secureContextOf,
} from './certificate.ts'
import { ensureGeneratedCertificate } from './generated-certificate-file.ts'

export interface CertificateStoreOptions {
  readonly hostname: string
  readonly dataFolder: string
  /** Both or none; with none a certificate is generated and kept in the data folder. */
  readonly certificateFile?: string | undefined
  readonly keyFile?: string | undefined
  readonly clock: Clock
  readonly log?: Log
}

export interface CertificateStore {
  /** One certificate for every name so far. */
  secureContext(serverName?: string): SecureContext
  readonly certificate: Certificate
  /** Looks at the files now; keeps what it has, and logs why, when the new ones are not usable. */
  reload(): Promise<void>
  close(): void
}

const lookEveryMs = 60_000

/** Rejects with a UsageFault when the files are unreadable, don't belong together or are not valid today. */
export async function createCertificateStore(options: CertificateStoreOptions): Promise<CertificateStore> {
  const { certificateFile, keyFile, clock, log = silentLog } = options
  if (certificateFile === undefined || keyFile === undefined) {
    const { hostname, dataFolder } = options
    const made = await ensureGeneratedCertificate(dataFolder, hostname, clock.now(), log)
    const context = secureContextOf(made)
    return { secureContext: () => context, certificate: made, reload: async () => {}, close() {} }
  }
  return await createFileStore({ certificateFile, keyFile }, clock, log)
}

async function createFileStore(files: CertificateFiles, clock: Clock, log: Log): Promise<CertificateStore> {
  // The state of the files is taken before they are read: a change in between is then seen the next time.
  let seen = await stateOf(files)
  let certificate = await readValidCertificate(files, clock.now())
  let context = secureContextOf(certificate)
  let looking = false
  const reload = async (): Promise<void> => {
    if (looking) return
    looking = true
    try {
      const state = await stateOf(files)
      if (state === seen) return
      const renewed = await readValidCertificate(files, clock.now())
      context = secureContextOf(renewed)
      certificate = renewed
      seen = state
      log.info('certificate read again', {
        validTo: new Date(renewed.validTo).toISOString(),
        fingerprint: renewed.fingerprint,
      })
    } catch (cause) {
      // Half of a renewal may be written: the old pair goes on serving, and the next look finds the rest.
      log.warn('the changed certificate cannot be used; the old one stays', {
        reason: cause instanceof Error ? cause.message : String(cause),
      })
    } finally {
      looking = false
    }
  }
  // Looked at, not watched: renewal programs swap symbolic links, which a watch of the file does not see.
  const timer = clock.every(lookEveryMs, () => void reload())
  return {
    secureContext: () => context,
    get certificate() {
      return certificate
    },
    reload,
    close: () => timer.cancel(),
  }
}

async function stateOf(files: CertificateFiles): Promise<string> {
  const states = await Promise.all(
    [files.certificateFile, files.keyFile].map(async file => {
      try {
        const { dev, ino, size, mtimeMs } = await stat(file)
        return `${dev} ${ino} ${size} ${mtimeMs}`
      } catch {
        // Reading it will say what is wrong.
        return 'unreadable'
      }
    }),
  )
  return states.join(' ')
}
