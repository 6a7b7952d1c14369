// Whoever logs in, by whatever protocol: looks who is proven, and holds back who guesses.

import { formatAddress } from '../address/format-address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { openScram, type ProvenAccount, verifyLogin } from '../directory/authenticate.ts'
import { addMissingScramKeys, obtainScramPolicy, type ScramPolicy } from '../directory/scram-credentials.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import { isRefusal, type LoginRefusal, type Verdict } from '../sasl/authority.ts'
import { type PasswordMechanism, scramHashesOf } from '../sasl/mechanisms.ts'
import type { ScramHash, ScramOffer } from '../sasl/scram-keys.ts'
import type { Storage } from '../storage/operation.ts'
import { LoginLimiter } from './login-limiter.ts'

export interface LoginParts {
  readonly storage: Pick<Storage, 'run'>
  readonly mechanisms: readonly PasswordMechanism[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export class Logins {
  readonly #parts: LoginParts
  readonly #limiter: LoginLimiter
  readonly #scramHashes: readonly ScramHash[]
  readonly #trouble: LastingTrouble
  #scramPolicy: Promise<ScramPolicy> | undefined
  readonly #writing = new Set<Promise<void>>()

  constructor(parts: LoginParts) {
    this.#parts = parts
    this.#limiter = new LoginLimiter(parts.clock)
    this.#scramHashes = scramHashesOf(parts.mechanisms)
    this.#trouble = new LastingTrouble(parts.log, {
      begins: 'what is kept of log-ins cannot be written; nobody is refused for that',
      ends: 'what is kept of log-ins is written again',
    })
  }

  /** Until when nobody from there gets in with this name, ms since 1970. */
  blockedUntil(remoteAddress: string, name: string): number | undefined {
    return this.#limiter.blockedUntil(remoteAddress, name)
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
    // To a guesser it looks like one more wrong password; the trail and the log know better.
    if (this.#limiter.blockedUntil(remoteAddress, name) !== undefined) return blocked
    const verdict = await verifyLogin(this.#parts.storage, name, password)
    this.#count(remoteAddress, name, verdict)
    if (!isRefusal(verdict) && this.#scramHashes.length > 0)
      this.#later(policy => this.#addScramKeys(policy, verdict, password))
    return verdict
  }

  async openScram(
    remoteAddress: string,
    hash: ScramHash,
    name: string,
  ): Promise<ScramOffer<Verdict<ProvenAccount>>> {
    const policy = await this.#policy()
    const offer = await openScram(this.#parts.storage, policy, hash, name)
    return {
      ...offer,
      settle: async keys => {
        if (this.#limiter.blockedUntil(remoteAddress, name) !== undefined) return blocked
        const verdict = await offer.settle(keys)
        this.#count(remoteAddress, name, verdict)
        return verdict
      },
    }
  }

  #count(remoteAddress: string, name: string, verdict: Verdict<ProvenAccount>): void {
    if (!isRefusal(verdict)) {
      this.#limiter.succeeded(remoteAddress, name)
      return
    }
    this.#limiter.failed(remoteAddress, name)
    const until = this.#limiter.blockedUntil(remoteAddress, name)
    if (until === undefined) return
    this.#parts.log.warn(
      'too many wrong passwords: log-ins are refused for a while, the right password too',
      {
        remoteAddress,
        name: loginNameToKeep(name),
        until: new Date(until).toISOString(),
      },
    )
  }

  async #addScramKeys(policy: ScramPolicy, { id }: ProvenAccount, password: string): Promise<void> {
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
  #later(work: (policy: ScramPolicy) => Promise<void>): void {
    const writing = this.#policy()
      .then(work)
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
