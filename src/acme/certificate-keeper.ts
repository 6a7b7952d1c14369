// Gets certificates from an authority and renews them in time: once a minute whatever is due, one name after the other, and
// of several servers one at a time.
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { raisedAgainMs } from '../alert/kinds.ts'
import { raiseAlert } from '../alert/operations.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import type { Storage } from '../storage/operation.ts'
import type { Certificate } from '../tls/certificate.ts'
import { findGeneratedCertificate } from '../tls/generated-certificate-file.ts'
import { tlsaOfKey } from '../tls/tlsa-record.ts'
import { type ChallengePlace, issueCertificate } from './issue-certificate.ts'
import { IssuingFault } from './issuing-fault.ts'
import { openClient, toIssuingFault } from './open-client.ts'
import {
  beginAcmeCertificate,
  claimAcmeCertificate,
  findAcmeAccount,
  keepAcmeAccount,
  keepIssued,
  keepNextKey,
  listAcmeCertificates,
  noteAcmeAccount,
  noteNotIssued,
  releaseAcmeClaims,
} from './operations.ts'
import type { AcmeAccount, AcmeCertificate, IssuingProblem } from './records.ts'
import { attemptAfterFailure, isShort, renewalAt } from './schedule.ts'

export interface CertificateKeeperOptions {
  readonly storage: Pick<Storage, 'run' | 'onWake'>
  readonly hostname: string
  readonly dataFolder: string
  /** Asked for at each look: domains come and go. */
  readonly names: () => Promise<readonly string[]>
  readonly directory: string
  /** Mail addresses. */
  readonly contact: readonly string[]
  readonly externalAccount?: { readonly keyId: string; readonly hmacKey: string } | undefined
  readonly caPem?: string | undefined
  readonly rotateKeyDays: number
  readonly place: ChallengePlace
  /** Before the authority is asked: so that the listener is there. Rejects with an IssuingFault. */
  readonly prepare: () => Promise<void>
  /** The TLSA records that the DNS has of a name, as '3 1 1 1a2b…'; rejects when it does not answer. */
  readonly publishedTlsa: (name: string) => Promise<readonly string[]>
  /** No other server has the same storage. */
  readonly isAlone: boolean
  /** Names this run of the server. */
  readonly by: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

const lookEveryMs = 60_000
const dayMs = 24 * 3_600_000
/** Longer than an attempt may take: its hook, and what the authority takes. */
const claimMs = 20 * 60_000
/** So long both TLSA records are published before a new key is in use, at least. */
const nextKeyWaitsMs = 7 * dayMs
/** A first failure may be of the moment. */
const failuresBeforeAlert = 2

export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions
  readonly #trouble: LastingTrouble
  readonly #raisedAt = new Map<string, number>()
  #looking: Promise<void> = Promise.resolve()
  #timer: Timer | undefined

  constructor(options: CertificateKeeperOptions) {
    this.#options = options
    this.#trouble = new LastingTrouble(options.log, {
      begins: 'certificates are not looked after',
      ends: 'certificates are looked after again',
    })
  }

  async start(): Promise<void> {
    const { clock, storage, isAlone } = this.#options
    // Those of a server that died: it was this one.
    if (isAlone) await storage.run(releaseAcmeClaims, { by: undefined })
    this.#timer = clock.every(lookEveryMs, () => void this.look())
    for (const topic of ['certificates', 'directory'] as const)
      storage.onWake(topic, () => {
        if (this.#timer) void this.look()
      })
    void this.look()
  }

  /** An attempt that is under way comes to nothing; another server, or the next start, begins anew. Never rejects. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    const { storage, by } = this.#options
    await storage.run(releaseAcmeClaims, { by }).catch(() => {}) // it runs out by itself
  }

  /** What is due now, one look after the other. Never rejects. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      try {
        await this.#look()
        this.#trouble.over()
      } catch (cause) {
        this.#trouble.hit(cause)
      }
    })
    return this.#looking
  }

  async #look(): Promise<void> {
    const { storage, names, clock } = this.#options
    const known = new Map((await storage.run(listAcmeCertificates, undefined)).map(one => [one.name, one]))
    for (const name of await names()) {
      const kept = known.get(name)
      if (kept) {
        await this.#tellIfFailing(kept)
        await this.#beginNextKey(kept)
      } else
        await storage.run(beginAcmeCertificate, {
          name,
          keyPem: await this.#firstKey(name),
          now: clock.now(),
        })
      await this.#renewIfDue(name)
    }
  }

  /** That of the generated certificate, where there is one: TLSA records that hold its digest stay right. */
  async #firstKey(name: string): Promise<string> {
    const { hostname, dataFolder } = this.#options
    const generated = name === hostname ? await findGeneratedCertificate(dataFolder) : undefined
    return generated?.keyPem ?? makeKey()
  }

  async #beginNextKey({ name, keySince, nextKey }: AcmeCertificate): Promise<void> {
    const { storage, rotateKeyDays, clock, log } = this.#options
    if (rotateKeyDays === 0 || nextKey || clock.now() - keySince < rotateKeyDays * dayMs) return
    const keyPem = makeKey()
    if (await storage.run(keepNextKey, { name, keyPem, now: clock.now() }))
      log.warn(
        'a new key for a certificate: publish its TLSA record beside the present one, if you publish any; "postrider certificate tlsa" prints both',
        { name, tlsa: tlsaOfKey(keyPem) },
      )
  }

  async #renewIfDue(name: string): Promise<void> {
    const { storage, by, clock, directory, log, random } = this.#options
    const now = clock.now()
    const claimed = await storage.run(claimAcmeCertificate, {
      name,
      by,
      until: now + claimMs,
      now,
      directory,
    })
    if (!claimed) return
    try {
      const { keyPem, isForNextKey } = await this.#chooseKey(claimed)
      const issued = await this.#issue(name, keyPem)
      const at = clock.now()
      const nextAt = renewalAt(issued, at, random)
      const { certificatePem } = issued
      const isKept = await storage.run(keepIssued, {
        name,
        by,
        certificatePem,
        keyPem,
        directory,
        at,
        nextAt,
        isForNextKey,
      })
      log.info('the authority issued a certificate', {
        name,
        validTo: new Date(issued.validTo).toISOString(),
        renewalAt: new Date(nextAt).toISOString(),
        isKept,
      })
      this.#tellOfClock(issued, at)
    } catch (cause) {
      await this.#noteFailure(claimed, toIssuingFault(cause))
    }
  }

  /** RFC 7671 §8.1: a new key is used when its TLSA record has been published long enough, or none is published at all. */
  async #chooseKey({ name, keyPem, nextKey }: AcmeCertificate): Promise<{
    readonly keyPem: string
    readonly isForNextKey: boolean
  }> {
    const { clock, publishedTlsa, log } = this.#options
    const present = { keyPem, isForNextKey: false }
    if (!nextKey || clock.now() - nextKey.since < nextKeyWaitsMs) return present
    try {
      const published = await publishedTlsa(name)
      const wanted = tlsaOfKey(nextKey.pem)
      if (published.length === 0 || published.includes(wanted))
        return { keyPem: nextKey.pem, isForNextKey: true }
      log.warn('the new key of a certificate is not used yet: its TLSA record is not published', {
        name,
        tlsa: wanted,
      })
    } catch (cause) {
      log.warn(
        'the new key of a certificate is not used yet: the DNS does not say whether its TLSA record is published',
        {
          name,
          reason: cause instanceof Error ? cause.message : String(cause),
        },
      )
    }
    return present
  }

  async #issue(name: string, keyPem: string): Promise<Certificate> {
    const { prepare, clock, place, log } = this.#options
    await prepare()
    const account = await this.#account()
    const client = await openClient({
      ...this.#options,
      accountKeyPem: account.keyPem,
      accountUrl: account.url,
    })
    try {
      await this.#register(client, account)
      return await issueCertificate({ client, name, keyPem, place, clock, log })
    } catch (cause) {
      // An authority may forget accounts: the next attempt registers anew, for the same key.
      if (cause instanceof IssuingFault && cause.sort === 'account' && account.url !== undefined)
        await this.#options.storage.run(noteAcmeAccount, {
          directory: account.directory,
          url: undefined,
          contact: undefined,
        })
      throw cause
    }
  }

  async #account(): Promise<AcmeAccount> {
    const { storage, directory } = this.#options
    const account = await storage.run(findAcmeAccount, { directory })
    return account ?? (await storage.run(keepAcmeAccount, { directory, keyPem: makeKey() }))
  }

  async #register(
    client: Awaited<ReturnType<typeof openClient>>,
    { directory, url, contact: registered }: AcmeAccount,
  ): Promise<void> {
    const { storage, contact: addresses, log } = this.#options
    const contact = addresses.map(address => `mailto:${address}`)
    if (url !== undefined && registered === contact.join(' ')) return
    if (url === undefined) {
      await client.createAccount({
        termsOfServiceAgreed: true,
        ...(contact.length > 0 && { contact }),
      })
      log.info('registered with the authority', { directory, terms: await client.getTermsOfServiceUrl() })
    } else await client.updateAccount({ contact })
    await storage.run(noteAcmeAccount, { directory, url: client.getAccountUrl(), contact: contact.join(' ') })
  }

  async #noteFailure({ name, failures }: AcmeCertificate, cause: unknown): Promise<void> {
    const { storage, by, clock, random, log } = this.#options
    const fault =
      cause instanceof IssuingFault
        ? cause
        : new IssuingFault('refused', cause instanceof Error ? cause.message : String(cause), { cause })
    const now = clock.now()
    const problem: IssuingProblem = { sort: fault.sort, detail: fault.message, at: now }
    const nextAt = attemptAfterFailure(failures + 1, fault.retryAfterMs, now, random)
    log.warn('the authority issued no certificate', {
      name,
      problem: fault.sort,
      reason: fault.message,
      failures: failures + 1,
      nextAttempt: new Date(nextAt).toISOString(),
    })
    await storage.run(noteNotIssued, { name, by, problem, nextAt })
  }

  /** Each hour, for as long as it fails and matters. */
  async #tellIfFailing({ name, failures, problem, certificatePem }: AcmeCertificate): Promise<void> {
    const { storage, clock } = this.#options
    const now = clock.now()
    const present = certificatePem === undefined ? undefined : datesOf(certificatePem)
    if (!problem || failures < failuresBeforeAlert || !isShort(present, now)) {
      this.#raisedAt.delete(name)
      return
    }
    if (now - (this.#raisedAt.get(name) ?? Number.NEGATIVE_INFINITY) < raisedAgainMs) return
    const evidence = {
      detail: problem.detail,
      sort: problem.sort,
      ...(present && { validTo: present.validTo }),
    }
    await storage.run(raiseAlert, { kind: 'certificate-renewal', subject: name, at: now, evidence })
    this.#raisedAt.set(name, now)
  }

  #tellOfClock({ validFrom, validTo }: Certificate, now: number): void {
    if (validFrom <= now && now < validTo) return
    this.#options.log.error(
      'the clock of this machine is wrong, or that of the authority: the certificate that it issued just now is not valid now. Set the clock (timedatectl, chrony)',
      {
        now: new Date(now).toISOString(),
        validFrom: new Date(validFrom).toISOString(),
        validTo: new Date(validTo).toISOString(),
      },
    )
  }
}

/** Of which kind everybody takes certificates, and the fastest at handshakes. */
function makeKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' })
}

function datesOf(certificatePem: string): { readonly validFrom: number; readonly validTo: number } {
  const { validFromDate, validToDate } = new X509Certificate(certificatePem)
  return { validFrom: validFromDate.getTime(), validTo: validToDate.getTime() }
}
