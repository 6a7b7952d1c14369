// Whoever logs in, by whatever protocol: looks who is proven, and holds back who guesses.

import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { neighbourhoodOf } from '../address/networks.ts'
import { parseAddress } from '../address/parse-address.ts'
import { type AppPasswordScope, noteAppPasswordUse } from '../directory/app-passwords.ts'
import {
  admitProven,
  type LoginTerms,
  openScram,
  type ProvenAccount,
  verifyLogin,
} from '../directory/authenticate.ts'
import { findLogInHistory, noteKnownNetwork } from '../directory/known-networks.ts'
import { addMissingScramKeys, obtainScramPolicy, type ScramPolicy } from '../directory/scram-credentials.ts'
import { hintsOf, type Provider, verifyToken } from '../openid/verify-token.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import {
  isGuess,
  isRefusal,
  isTemporary,
  type LoginRefusal,
  type TokenVerdict,
  type Verdict,
} from '../sasl/authority.ts'
import type { ClientCertificate } from '../sasl/client-certificate.ts'
import type { TokenHints } from '../sasl/mechanism.ts'
import { type PasswordMechanism, scramHashesOf } from '../sasl/mechanisms.ts'
import { prepareText } from '../sasl/prepare-text.ts'
import type { ScramHash, ScramOffer } from '../sasl/scram-keys.ts'
import type { Storage } from '../storage/operation.ts'
import { accountsOfCertificate, type CertificateNames } from './certificate-names.ts'
import { type LoginBlock, LoginLimiter, type LoginLimits, type LoginTables } from './login-limiter.ts'
import { LoginTurns } from './login-turns.ts'
import type { LoginWatch } from './login-watch.ts'
import type { OutsideAccounts } from './outside-accounts.ts'

/** A program that logs in each second is no news each second. */
const useMs = 60_000
/** Where some passwords are looked at elsewhere: no refusal comes sooner, wherever the account is, if there is one. */
const evenMs = 500
/** No password that is said begins so. */
const scramPrefix = '\0SCRAM '
/** Each holds a connection. */
const maxWaiting = 1000

export interface LoginParts {
  readonly storage: Pick<Storage, 'run'>
  /** App passwords are for some protocols. */
  readonly protocol: AppPasswordScope
  readonly mechanisms: readonly PasswordMechanism[]
  /** Who knows accounts that have no password here. */
  readonly outside?: Pick<OutsideAccounts, 'mayKnow' | 'verifyPassword' | 'confirm' | 'look'> | undefined
  /** Whose accounts client certificates are; undefined: they are not taken. */
  readonly certificates?: CertificateNames | undefined
  /** Whose tokens are taken. */
  readonly providers?: readonly Provider[] | undefined
  readonly limits: LoginLimits
  /** Those of other fronts too; default: its own. */
  readonly tables?: LoginTables | undefined
  /** Those of other protocols too; default: its own. */
  readonly turns?: LoginTurns | undefined
  /** Looks after those who are logged in, in all protocols. */
  readonly watch?: LoginWatch | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export class Logins {
  readonly #parts: LoginParts
  readonly #limiter: LoginLimiter
  readonly #turns: LoginTurns
  readonly #scramHashes: readonly ScramHash[]
  readonly #trouble: LastingTrouble
  #waiting = 0
  #scramPolicy: Promise<ScramPolicy> | undefined
  readonly #writing = new Set<Promise<void>>()

  constructor(parts: LoginParts) {
    this.#parts = parts
    this.#limiter = new LoginLimiter(parts.clock, parts.limits, parts.tables)
    this.#turns = parts.turns ?? new LoginTurns()
    this.#scramHashes = scramHashesOf(parts.mechanisms)
    this.#trouble = new LastingTrouble(parts.log, {
      begins: 'what is kept of log-ins cannot be written; nobody is refused for that',
      ends: 'what is kept of log-ins is written again',
    })
  }

  /** Whether, and until when, nobody from there gets in with this name. */
  blockOf(remoteAddress: string, name: string): LoginBlock | undefined {
    return this.#limiter.blockOf(remoteAddress, name)
  }

  /** Tells once when this log-in would not be one any more; what is returned ends that. */
  watch(account: ProvenAccount, ended: () => void): () => void {
    return this.#parts.watch?.watch(account, ended) ?? (() => {})
  }

  /** Resolves when everything that log-ins have left to do is done. */
  async settled(): Promise<void> {
    while (this.#writing.size > 0) await Promise.all(this.#writing)
  }

  async verifyPassword(
    remoteAddress: string,
    name: string,
    password: string,
  ): Promise<Verdict<ProvenAccount>> {
    const verdict = await this.#judge(
      remoteAddress,
      name,
      () => verifyLogin(this.#parts.storage, name, password, this.#terms, this.#parts.outside),
      password,
    )
    // Keys of a password of LDAP would outlive it.
    if (!isRefusal(verdict) && !verdict.appPassword && !verdict.outside && this.#scramHashes.length > 0)
      this.#later(() => this.#addScramKeys(verdict, password))
    return verdict
  }

  async openScram(
    remoteAddress: string,
    hash: ScramHash,
    name: string,
  ): Promise<ScramOffer<Verdict<ProvenAccount>>> {
    const policy = await this.#policy()
    const offer = await openScram(this.#parts.storage, policy, hash, name, this.#terms)
    // The account is looked for by this, and so are its failures.
    const prepared = await prepareText(name)
    return {
      ...offer,
      settle: keys =>
        this.#judge(
          remoteAddress,
          prepared,
          () => offer.settle(keys),
          // Of a password that this server does not know, no two proofs are alike.
          keys && `${scramPrefix}${Buffer.from(keys.storedKey).toString('base64')}`,
        ),
    }
  }

  get takesTokens(): boolean {
    return (this.#parts.providers ?? []).length > 0
  }

  /** `name`: who the client says that it is, or ''. */
  async verifyToken(
    remoteAddress: string,
    name: string,
    token: string | undefined,
  ): Promise<TokenVerdict<ProvenAccount>> {
    const { providers = [], clock } = this.#parts
    let hints: TokenHints | undefined
    const verdict = await this.#judge(remoteAddress, name, async () => {
      const found = await verifyToken(providers, token, clock)
      if (found.kind === 'unavailable') return { refused: 'provider-down' }
      hints = found.hints
      if (found.kind === 'refused') return { refused: found.problem }
      return await this.#admit(found.address, name)
    })
    return isRefusal(verdict) ? { ...verdict, hints: hints ?? hintsOf(providers[0]) } : verdict
  }

  get takesCertificates(): boolean {
    return this.#parts.certificates !== undefined
  }

  /** `name`: as whom the client wants to act, or ''. */
  async verifyCertificate(
    remoteAddress: string,
    name: string,
    shown: ClientCertificate | undefined,
  ): Promise<Verdict<ProvenAccount>> {
    return await this.#judge(remoteAddress, name, async () => {
      const { certificates, clock } = this.#parts
      if (!certificates || !shown) return { refused: 'certificate-missing' }
      if (shown.kind === 'worthless') return { refused: shown.problem }
      const { certificate } = shown
      // It was valid at the handshake, perhaps of a session that has gone on since.
      if (
        certificate.validFromDate.getTime() > clock.now() ||
        certificate.validToDate.getTime() < clock.now()
      )
        return { refused: 'certificate-expired' }
      const verdict = await this.#admitFirst(accountsOfCertificate(certificate, certificates), name)
      if (isRefusal(verdict)) return verdict
      return { ...verdict, proof: { kind: 'elsewhere', until: certificate.validToDate.getTime() } }
    })
  }

  /** With no name, the first that is an account. */
  async #admitFirst(candidates: readonly Address[], name: string): Promise<Verdict<ProvenAccount>> {
    let verdict: Verdict<ProvenAccount> = { refused: 'certificate-nobody' }
    for (const candidate of candidates) {
      verdict = await this.#admit(candidate, name)
      const isNext = isRefusal(verdict) && ['no-such-account', 'other-identity'].includes(verdict.refused)
      if (!isNext) return verdict
    }
    return verdict
  }

  /** Whom somebody else has proven; LDAP may know him, and nobody has asked for him yet. */
  async #admit(proven: Address, name: string): Promise<Verdict<ProvenAccount>> {
    const { storage, outside } = this.#parts
    const verdict = await admitProven(storage, proven, name)
    if (!outside || !isRefusal(verdict) || verdict.refused !== 'no-such-account') return verdict
    const problem = await outside.look(proven)
    return problem ? { refused: problem } : await admitProven(storage, proven, name)
  }

  async #judge(
    remoteAddress: string,
    name: string,
    verify: () => Promise<Verdict<ProvenAccount>>,
    password?: string,
  ): Promise<Verdict<ProvenAccount>> {
    const begun = this.#parts.clock.now()
    const verdict = await this.#verifyInTurn(remoteAddress, name, verify, password)
    if (isRefusal(verdict)) {
      // It is no guess, and whoever has guessed before learns nothing from it either.
      if (isTemporary(verdict.refused)) return verdict
      const { outside, limits, clock } = this.#parts
      const even = outside ? Math.min(evenMs, limits.maxDelayMs) - (clock.now() - begun) : 0
      await this.#holdBack(Math.max(even, this.#limiter.delayOf(remoteAddress, name)))
    } else {
      if (this.#limiter.succeeded(remoteAddress, name === '' ? verdict.address : name))
        this.#noteNetwork(verdict, remoteAddress)
      this.#noteUse(verdict)
    }
    return verdict
  }

  /** To a guesser a block looks like one more wrong password; the trail and the log know better. */
  async #verifyInTurn(
    remoteAddress: string,
    name: string,
    verify: () => Promise<Verdict<ProvenAccount>>,
    password: string | undefined,
  ): Promise<Verdict<ProvenAccount>> {
    if (await this.#findBlock(remoteAddress, name)) return blocked
    const end = await this.#turns.begin(() => this.#limiter.roomsOf(remoteAddress, name))
    try {
      // Those before it may have been too many.
      if (this.#limiter.blockOf(remoteAddress, name)) return blocked
      const verdict = await this.#confirm(await verify())
      if (isRefusal(verdict) && isGuess(verdict.refused)) this.#countFailure(remoteAddress, name, password)
      return verdict
    } finally {
      end()
    }
  }

  /** That the account logs in from there may have been seen by another server, or before this one was started. */
  async #findBlock(remoteAddress: string, name: string): Promise<LoginBlock | undefined> {
    const block = this.#limiter.blockOf(remoteAddress, name)
    const address = block && parseAddress(name)
    if (!address) return block
    const { storage, clock } = this.#parts
    const { lastAt, forgivenAt } = await storage.run(findLogInHistory, {
      key: addressKey(address),
      network: neighbourhoodOf(remoteAddress),
      now: clock.now(),
    })
    if (lastAt !== undefined && !this.#limiter.knows(remoteAddress, name))
      this.#limiter.tell(remoteAddress, name, lastAt)
    // As much work for a name that is nobody's.
    this.#limiter.forgive(remoteAddress, name, forgivenAt ?? 0)
    return this.#limiter.blockOf(remoteAddress, name)
  }

  #noteNetwork({ id: accountId }: ProvenAccount, remoteAddress: string): void {
    const noted = { accountId, network: neighbourhoodOf(remoteAddress), at: this.#parts.clock.now() }
    this.#later(() => this.#parts.storage.run(noteKnownNetwork, noted))
  }

  async #confirm(verdict: Verdict<ProvenAccount>): Promise<Verdict<ProvenAccount>> {
    if (isRefusal(verdict) || verdict.outside !== 'unasked') return verdict
    return (await this.#parts.outside?.confirm(verdict)) ?? { refused: 'directory-gone' }
  }

  get #terms(): LoginTerms {
    return { protocol: this.#parts.protocol, now: this.#parts.clock.now() }
  }

  #noteUse({ appPassword }: ProvenAccount): void {
    const at = this.#parts.clock.now()
    if (!appPassword || at - (appPassword.lastUsedAt ?? 0) < useMs) return
    const { id } = appPassword
    this.#later(() => this.#parts.storage.run(noteAppPasswordUse, { id, at }))
  }

  #countFailure(remoteAddress: string, name: string, password: string | undefined): void {
    const { log } = this.#parts
    const wasTried = this.#limiter.isTriedEverywhere(name)
    this.#limiter.failed(remoteAddress, name, password)
    const kept = loginNameToKeep(name)
    if (!wasTried && this.#limiter.isTriedEverywhere(name))
      log.warn(
        'somebody guesses the password of an account from many networks: each that is new has two tries for a while, and those where the account logs in as many as ever',
        { name: kept },
      )
    const block = this.#limiter.blockOf(remoteAddress, name)
    // Of thousands of networks that try one account, one line is enough.
    if (!block || block.by === 'account') return
    log.warn('too many wrong passwords: log-ins are refused for a while, the right password too', {
      remoteAddress,
      name: kept,
      by: block.by,
      until: new Date(block.until).toISOString(),
    })
  }

  /** Slows down who guesses. So many wait at most: the others are answered at once, and tell guessers no more by that. */
  async #holdBack(ms: number): Promise<void> {
    if (ms === 0 || this.#waiting >= maxWaiting) return
    this.#waiting++
    await new Promise<void>(resolve => {
      this.#parts.clock.after(ms, resolve)
    })
    this.#waiting--
  }

  async #addScramKeys({ id }: ProvenAccount, password: string): Promise<void> {
    const policy = await this.#policy()
    await addMissingScramKeys(this.#parts.storage, policy, this.#scramHashes, { id, password })
  }

  #policy(): Promise<ScramPolicy> {
    if (!this.#scramPolicy) {
      const { storage, random, clock } = this.#parts
      const asked = obtainScramPolicy(storage, { random, at: clock.now() })
      this.#scramPolicy = asked
      asked.catch(() => {
        // Whoever waits for it is told; the next one asks again.
        this.#scramPolicy = undefined
      })
    }
    return this.#scramPolicy
  }

  /** The client has its answer meanwhile. */
  #later(work: () => Promise<void>): void {
    const writing = work()
      .then(() => this.#trouble.over())
      .catch((cause: unknown) => this.#trouble.hit(cause))
      .finally(() => this.#writing.delete(writing))
    this.#writing.add(writing)
  }
}

const blocked: LoginRefusal = { refused: 'blocked' }

/** What is no address may be anything, of any length: a password in the wrong place, for one. */
export function loginNameToKeep(name: string): string | undefined {
  const address = parseAddress(name)
  return address && formatAddress(address)
}
