// The certificates that the server shows, each at the handshakes for its names: the administrator's own, read again when
// their files change; those that an authority issued to this server; and one of its own making, where there is no other.
import { stat } from 'node:fs/promises'
import type { SecureContext } from 'node:tls'
import type { Clock } from '../runtime/clock.ts'
import { UsageFault } from '../runtime/fault.ts'
import { type Log, type LogFields, silentLog } from '../runtime/log.ts'
import {
  type Certificate,
  type CertificateFiles,
  type ContextMore,
  certificateCovers,
  readValidCertificate,
  secureContextOf,
} from './certificate.ts'
import { assertCompleteChain, endsInTheOpen } from './chain.ts'
import { ensureGeneratedCertificate, findGeneratedCertificate } from './generated-certificate-file.ts'

export interface CertificateStoreOptions {
  readonly hostname: string
  readonly dataFolder: string
  /** The first that has a name is shown for it. */
  readonly files?: readonly CertificateFiles[]
  /** Those that an authority issued to this server, as they are now. */
  readonly readIssued?: () => Promise<readonly Certificate[]>
  /** Of session tickets: 48 bytes, the same in all threads, so that a session can go on in any. */
  readonly ticketKey?: Uint8Array | undefined
  /** PEM: who is trusted to say who a client is. */
  readonly clientAuthorities?: string | undefined
  /** What somebody has to act on, each time that the files are looked at. */
  readonly tell?: (trouble: CertificateTrouble) => void
  /** False: where no certificate was generated, none is now. */
  readonly generates?: boolean
  readonly clock: Clock
  readonly log?: Log
}

export interface CertificateTrouble {
  readonly file: string
  /** The files cannot be used; or they can, and the certificate is about to end. */
  readonly kind: 'unusable' | 'ending'
  /** In English. */
  readonly detail: string
  /** When what is in use ends. */
  readonly validTo: number | undefined
}

export interface CertificateInUse {
  /** A file, or who made it. */
  readonly source:
    | { readonly kind: 'file'; readonly file: string }
    | { readonly kind: 'issued' | 'generated' }
  /** undefined: the files never had one that can be used. */
  readonly certificate: Certificate | undefined
  /** What is wrong with what the files have now. */
  readonly problem?: string | undefined
}

export interface CertificateStore {
  /** Of the certificate for this name; without one, or for a name that none has: of that for the host name. */
  secureContext(serverName?: string): SecureContext
  /** As `secureContext` without a name. */
  readonly certificate: Certificate
  /** In the order in which they are asked for a name. */
  inUse(): readonly CertificateInUse[]
  /** Looks at everything now; keeps what it has, and tells why, when something new is not usable. Never rejects. */
  reload(): Promise<void>
  /** For new connections. */
  setTicketKey(key: Uint8Array): void
  close(): void
}

const lookEveryMs = 60_000
const dayMs = 86_400_000
/** A certificate that is not renewed by then was forgotten. */
export const endsSoonMs = 14 * dayMs

/**
 * Never rejects for the sake of a file: whether a server may start with files that are of no use is decided before, and a
 * thread that is started again has to serve with what there is.
 */
export async function createCertificateStore(options: CertificateStoreOptions): Promise<CertificateStore> {
  const store = new Store(options)
  await store.reload()
  store.start()
  return store
}

interface Shown {
  readonly source: CertificateInUse['source']
  readonly certificate: Certificate
  readonly context: SecureContext
}

/** The certificate of two files, as it could be used last. */
interface OwnFiles {
  readonly files: CertificateFiles
  /** The state of the files when they were read; undefined: they are to be read. */
  seen: string | undefined
  shown: Shown | undefined
  problem: string | undefined
}

class Store implements CertificateStore {
  readonly #options: CertificateStoreOptions
  readonly #log: Log
  readonly #own: readonly OwnFiles[]
  #issued: readonly Shown[] = []
  #generated: Shown | undefined
  #all: readonly Shown[] = []
  #ticketKey: Uint8Array | undefined
  #looking: Promise<void> | undefined
  #timer: { cancel(): void } | undefined

  constructor(options: CertificateStoreOptions) {
    this.#options = options
    this.#log = options.log ?? silentLog
    this.#ticketKey = options.ticketKey
    this.#own = (options.files ?? []).map(files => ({
      files,
      seen: undefined,
      shown: undefined,
      problem: undefined,
    }))
  }

  start(): void {
    // Looked at, not watched: renewal programs swap symbolic links, which a watch of the file does not see.
    this.#timer = this.#options.clock.every(lookEveryMs, () => void this.reload())
  }

  secureContext(serverName?: string): SecureContext {
    return this.#choose(serverName).context
  }

  get certificate(): Certificate {
    return this.#choose(undefined).certificate
  }

  inUse(): readonly CertificateInUse[] {
    const own = this.#own.map(({ files, shown, problem }): CertificateInUse => {
      const source = { kind: 'file', file: files.certificateFile } as const
      return { source, certificate: shown?.certificate, problem }
    })
    const others = [...this.#issued, ...(this.#generated ? [this.#generated] : [])]
    return [...own, ...others.map(({ source, certificate }) => ({ source, certificate }))]
  }

  /** One after the other: who asks for it knows afterwards that what was there when it asked is in use. */
  reload(): Promise<void> {
    const look = (this.#looking ?? Promise.resolve()).then(() => this.#look())
    this.#looking = look
    return look
  }

  setTicketKey(key: Uint8Array): void {
    this.#ticketKey = key
    for (const own of this.#own) own.shown = own.shown && this.#renewContext(own.shown)
    this.#issued = this.#issued.map(shown => this.#renewContext(shown))
    this.#generated &&= this.#renewContext(this.#generated)
    this.#collect()
  }

  close(): void {
    this.#timer?.cancel()
  }

  get #more(): ContextMore {
    return { ticketKey: this.#ticketKey, clientAuthorities: this.#options.clientAuthorities }
  }

  #renewContext(shown: Shown): Shown {
    return { ...shown, context: secureContextOf(shown.certificate, this.#more) }
  }

  #show(certificate: Certificate, source: CertificateInUse['source']): Shown {
    return { certificate, source, context: secureContextOf(certificate, this.#more) }
  }

  /** What a handshake chooses from, in the order in which it is asked for a name. */
  #collect(): void {
    const own = this.#own.flatMap(({ shown }) => shown ?? [])
    this.#all = [...own, ...this.#issued, ...(this.#generated ? [this.#generated] : [])]
  }

  #choose(serverName: string | undefined): Shown {
    const { hostname } = this.#options
    const found =
      (serverName === undefined ? undefined : findFor(serverName, this.#all)) ??
      findFor(hostname, this.#all) ??
      this.#all[0]
    if (!found) throw new UsageFault('TLS_MISSING', 'There is no certificate.')
    return found
  }

  async #look(): Promise<void> {
    await Promise.all(this.#own.map(own => this.#readFiles(own)))
    await this.#readIssued()
    const hasBetter = this.#own.some(({ shown }) => shown) || findFor(this.#options.hostname, this.#issued)
    // It says the host name whole, and would go before one that covers it by a `*`.
    if (hasBetter) this.#generated = undefined
    else await this.#generate()
    this.#collect()
  }

  async #generate(): Promise<void> {
    if (this.#generated) return
    const { hostname, dataFolder, clock, generates = true } = this.#options
    const made = generates
      ? await ensureGeneratedCertificate(dataFolder, hostname, clock.now(), this.#log)
      : await findGeneratedCertificate(dataFolder)
    if (made) this.#generated = this.#show(made, { kind: 'generated' })
  }

  async #readIssued(): Promise<void> {
    const { readIssued } = this.#options
    if (!readIssued) return
    try {
      const before = new Map(this.#issued.map(shown => [shown.certificate.fingerprint, shown]))
      const issued = await readIssued()
      this.#issued = issued.map(one => before.get(one.fingerprint) ?? this.#show(one, { kind: 'issued' }))
      for (const { names, validTo, fingerprint } of issued)
        if (!before.has(fingerprint))
          this.#log.info('a certificate is in use', tellOf(names, validTo, fingerprint))
    } catch (cause) {
      // The database is away: what was read serves on, and the next look tries again.
      this.#log.warn('the certificates of the authority cannot be read now', { reason: reasonOf(cause) })
    }
  }

  async #readFiles(own: OwnFiles): Promise<void> {
    const { clock, tell } = this.#options
    const { certificateFile: file } = own.files
    // Taken before the files are read: a change in between is then seen the next time.
    const state = await stateOf(own.files)
    if (state !== own.seen || own.problem !== undefined) await this.#readChanged(own, state)
    const validTo = own.shown?.certificate.validTo
    if (own.problem !== undefined) tell?.({ file, kind: 'unusable', detail: own.problem, validTo })
    else if (validTo !== undefined && validTo - clock.now() < endsSoonMs)
      tell?.({ file, kind: 'ending', detail: `${file} ends on ${dayOf(validTo)}.`, validTo })
  }

  async #readChanged(own: OwnFiles, state: string): Promise<void> {
    const old = own.shown?.certificate
    try {
      const read = await readValidCertificate(own.files, this.#options.clock.now())
      // One that always ended in the open may be of an authority of the administrator's; one that does now has lost something.
      if (old && !endsInTheOpen(old.certificatePem))
        assertCompleteChain(read.certificatePem, own.files.certificateFile)
      own.problem = undefined
      own.seen = state
      if (read.fingerprint === old?.fingerprint && read.certificatePem === old.certificatePem) return
      own.shown = this.#show(read, { kind: 'file', file: own.files.certificateFile })
      this.#collect()
      if (old)
        this.#log.info('certificate read again', {
          file: own.files.certificateFile,
          ...tellOf(read.names, read.validTo, read.fingerprint),
        })
    } catch (cause) {
      // Half of a renewal may be written: the old pair goes on serving, and the next look finds the rest.
      const problem = reasonOf(cause)
      if (problem !== own.problem)
        this.#log.warn(
          old ? 'the changed certificate cannot be used; the old one stays' : 'a certificate cannot be used',
          { reason: problem },
        )
      own.problem = problem
    }
  }
}

/** For the name of the handshake (RFC 6066 §3): a certificate that says it whole goes before one with a `*`. */
function findFor(name: string, all: readonly Shown[]): Shown | undefined {
  const lower = name.toLowerCase()
  return (
    all.find(({ certificate }) => certificate.names.includes(lower)) ??
    all.find(({ certificate }) => certificateCovers(certificate, lower))
  )
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

function tellOf(names: readonly string[], validTo: number, fingerprint: string): LogFields {
  return { names: names.join(' '), validTo: new Date(validTo).toISOString(), fingerprint }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
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
